ktdbg recording 1
topology 1n1l4c1t
clock virtual

# A task that may not run everywhere is enqueued nowhere.
cgroup add web
spawn web workers=1 work=spin affinity=2
spawn web workers=1 work=spin
sched attach broken affinity
run 2s
expect why(worker(web,0)) ~ "^the scheduler broken has had it for .* not dispatched it: (cpu 2 may run it|it may only use cpu 2)"
expect why(worker(web,1)) ~ "^runs on cpu"
