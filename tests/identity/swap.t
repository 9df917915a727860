ktdbg recording 1
topology 1n2l2c2t
clock virtual
quantum random:7

# A scheduler comes and goes under load, with frequent holds and random points.

spawn @runner workers=12 work=mixed
sched attach vtime
[0.400000000] tasks where runtime > 0 columns pid,comm,state,cpu,runtime,switches
[0.400100000] cpus
[0.400200000] cpus
[0.400300000] scx
thaw
sched detach
run 200ms
thaw
sched attach vtime
run 200ms
tasks columns pid,comm,state,cpu,runtime,switches
scx
dmesg 5
