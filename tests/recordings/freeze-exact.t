ktdbg recording 1
topology 1n1l2c1t
clock virtual

# Guest time stands while the guest is frozen, and moves by what `run` lets pass, to the nanosecond.
spawn @runner workers=2 work=spin
[1.000000000] freeze
  | frozen at 1.000000000
expect time == 1s
expect frozen
let clock rq(0).clock
let runtime task(worker(@runner,0)).se.sum_exec_runtime
# However much is read in between, nothing in there moves.
tasks where pid == 1 columns pid,comm
  | pid  comm
  |   1  ktdbg-agent
expect time == 1s && rq(0).clock == $clock
expect task(worker(@runner,0)).se.sum_exec_runtime == $runtime
run 250ms
  | frozen at 1.250000000
expect time == 1250ms
expect rq(0).clock > $clock && rq(0).clock - $clock <= 260ms
thaw
  | thawed at 1.250000000
expect !frozen
[2.000000000] freeze
  | frozen at 2.000000000
expect time == 2s
