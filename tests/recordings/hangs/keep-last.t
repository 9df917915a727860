ktdbg recording 1
topology 1n1l4c1t
clock virtual

# A task that wants to go on keeps its CPU: who comes later waits for ever.
cgroup add web
spawn web workers=1 work=spin affinity=2 comm=first
sched attach broken keep-last
run 1s
thaw
spawn web workers=1 work=spin affinity=2 comm=late
run 2s
expect why(worker(web,0)) ~ "^runs on cpu 2, for [0-9.]+(s|ms)"
expect why(worker(web,1)) ~ "cpu 2 (.* )?runs [0-9]+ first for [0-9.]+(s|ms)"
