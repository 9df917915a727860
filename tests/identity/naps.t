ktdbg recording 1
topology 1n1l8c1t
clock virtual

# Short sleeps on eight CPUs that have nothing else to do: idle time begins and ends thousands of times.
spawn @runner workers=1 work=sequence(sleep:1ms)
spawn @runner workers=2 work=sequence(sleep:700us)
run 4s
tasks columns pid,comm,state,cpu,runtime,switches
cpus
