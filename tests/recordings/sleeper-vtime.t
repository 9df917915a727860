ktdbg recording 1
topology 1n1l4c1t
clock virtual
scheduler vtime

# A sleeping worker keeps the vtime that we give it.
spawn @runner workers=1 work=sequence(sleep:60s) comm=sleeper
[5.000000000] freeze
let w worker(@runner,0)
expect task($w).on_rq == 0
write task $w scx.dsq_vtime 2592000000000000
  | u64 * -> 2592000000000000* (glob)
read task $w scx.dsq_vtime as seeded
  | seeded u64 2592000000000000
expect $seeded >= 2592000000000000
thaw
# It sleeps on, so nothing has touched the value.
[6.000000000] expect task($w).scx.dsq_vtime == $seeded
