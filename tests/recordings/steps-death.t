ktdbg recording 1
clock virtual

# A scheduler that dies ends the step at once: workers are killed, what was measured stays, and the result
# says why.
backdrop
def base weight=200
end
step hold=full
sched attach broken wrong-cpu
def web workers=2 work=mixed
end
  | broken wrong-cpu attached
  | web,0 pid .* (re)
  | web,1 pid .* (re)
  | step  cgroup .* (re)
  |    1  web .* (re)
  | error: step 1: scheduler broken crashed at * into the hold: SCX_EXIT_ERROR (invalid CPU * (glob)
expect step(1).result == "crashed" && step(1).held < 100ms
expect step(1,web).ended == 0 && step(1,web).count == 2
cgroup list
wait scx.state == "disabled"
tasks where comm ~ "^mixed" columns comm
  | comm

# The guest goes on under its own scheduler.
step hold=50ms
def after workers=2 work=spin
end
expect step(2).result == "held" && step(2,after).starved == 0
