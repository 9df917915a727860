ktdbg recording 1
topology 1n1l4c1t
clock virtual
scheduler vtime

# A batch is all or nothing, and one `undo` takes all of it back.
spawn @runner workers=1 work=sequence(sleep:60s) comm=sleeper
[5.000000000] freeze
let w worker(@runner,0)
let vtime task($w).scx.dsq_vtime
let slice task($w).scx.slice
batch
  read task $w comm as name
  write task $w scx.dsq_vtime 77
  write task $w scx.slice 5000000
  read task $w scx.slice as after
end
  | name char [16] "sleeper"
  | u64 * -> 77* (glob)
  | u64 * -> 5000000* (glob)
  | after u64 5000000
expect $after == 5ms && task($w).scx.dsq_vtime == 77
undo
  | 2 writes undone
expect task($w).scx.dsq_vtime == $vtime && task($w).scx.slice == $slice
# The second entry fails, so the first leaves no trace.
batch
  write task $w scx.dsq_vtime 78
  write task $w no_such_field 1
end
  | error: entry 2: .*no_such_field.* (re)
expect task($w).scx.dsq_vtime == $vtime
