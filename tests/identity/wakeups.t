ktdbg recording 1
topology 1n1l8c1t
clock virtual

# Cross-CPU wake-ups: semaphores, pipes, futexes, timers, signals.
spawn @runner workers=8 work=pipe
spawn @runner workers=8 work=futex
spawn @runner workers=8 work=thundering-herd
spawn @runner workers=8 work=signal-storm
spawn @runner workers=8 work=wake-chain
spawn @runner workers=10 work=timer-latency
run 500ms
tasks columns pid,comm,state,cpu,runtime,switches
cpus
run 200ms
tasks columns pid,comm,state,cpu,runtime,switches
dmesg 5
