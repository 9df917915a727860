ktdbg recording 1
topology 1n1l4c1t
clock virtual

# Tasks are put into a queue from which no CPU ever takes one.
cgroup add web
spawn web workers=3 work=spin
sched attach broken strand
run 2s
expect why(worker(web,0)) ~ "cpu 0-3 may run it, idle and have run others since"
expect why(worker(web,0)) ~ "^(stands in the scheduler's dsq 0x1|the scheduler broken has had it)"
expect cpu(0).idle && cpu(1).idle && cpu(2).idle && cpu(3).idle
thaw
sched detach
run 100ms
expect why(worker(web,0)) ~ "^runs on cpu"
