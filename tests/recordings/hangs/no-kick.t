ktdbg recording 1
topology 1n1l4c1t
clock virtual

# A task is queued for the next CPU, which sleeps and is not kicked.
cgroup add web
spawn web workers=1 work=spin
sched attach broken no-kick
until why(worker(web,0)) ~ "not kicked" timeout 5s
expect why(worker(web,0)) ~ "^(stands in the scheduler's dsq|the scheduler broken has had it)"
