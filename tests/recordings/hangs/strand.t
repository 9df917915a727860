ktdbg recording 1
topology 1n1l4c1t
clock virtual

# Tasks are put into a queue from which no CPU ever takes one.
cgroup add web
spawn web workers=3 work=spin
sched attach broken strand
run 2s
expect why(worker(web,0)) ~ "^(stands in the scheduler's dsq 0x1|the scheduler broken has had it).*: cpu [0-3,-]+ may run it, idle"
expect !(why(worker(web,1)) ~ "^runs") && !(why(worker(web,2)) ~ "^runs")
thaw
sched detach
run 100ms
expect why(worker(web,0)) ~ "^runs on cpu"
