ktdbg recording 1
topology 1n2l4c1t
clock virtual
quantum random:11

# Some starve, some sleep, the guest is short of memory in one cgroup, and a CPU stands for a while.
cgroup add poor memory.high=24M cpu.max=40ms/100ms
spawn @runner workers=10 work=spin
spawn @runner workers=6 work=sequence(sleep:1ms)
spawn poor workers=4 work=page-fault
sched attach broken starve
run 300ms
thaw
stall cpu:3 20ms
run 300ms
tasks columns pid,comm,state,cpu,runtime,switches
scx
thaw
sched detach
cgroup set poor memory.high=16M
run 400ms
tasks columns pid,comm,state,cpu,runtime,switches
print workers(poor)
dmesg 5
