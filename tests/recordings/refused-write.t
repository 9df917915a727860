ktdbg recording 1
topology 1n1l2c1t
clock virtual
scheduler vtime

# A queued or running task's vtime is the scheduler's: a write is refused with layer, field and value.
spawn @runner workers=4 work=spin
[6.000000000] freeze
let w worker(@runner,0)
let vtime task($w).scx.dsq_vtime
write task $w scx.dsq_vtime 2592000000000000
  | error: .*L4: on_rq is 1.* (re)
expect task($w).scx.dsq_vtime == $vtime
# Reading a queued task is safe.
read task $w on_rq as queued
  | queued * 1* (glob)
expect $queued == 1
# A pid that nobody has, and a width that does not fit.
read task 999999 prio
  | error: .*999999.* (re)
read task $w scx.dsq_vtime :u32
  | error: .*u64.* (re)
