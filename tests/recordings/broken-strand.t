ktdbg recording 1
topology 1n1l4c1t
clock virtual
scheduler broken strand

# Tasks wait in a queue that no CPU consumes: runnable all the time, and all CPUs idle.
spawn @runner workers=3 work=spin
[2.000000000] expect workers(@runner).iterations == 0
expect task(worker(@runner,0)).on_rq == 1 && task(worker(@runner,2)).on_rq == 1
expect curr(0).pid == 0 && curr(1).pid == 0 && curr(2).pid == 0 && curr(3).pid == 0
# Their CPUs' clocks stand meanwhile; how long they have waited does not.
tasks where waiting > 1s columns comm
  | comm
  | spin-0
  | spin-1
  | spin-2
# The kernel looks on for 30 s, then it takes the scheduler off, and they run.
wait scx.state == "disabled" timeout 40s
run 1s
expect workers(@runner).starved == 0 && workers(@runner).iterations > 0
