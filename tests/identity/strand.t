ktdbg recording 1
topology 1n2l4c1t
clock virtual

# Tasks that no CPU takes, until sched_ext's watchdog ends it; one is helped by a cold write meanwhile.
cgroup add web weight=200
spawn web workers=5 work=spin comm=hog
spawn web workers=3 work=bursty
sched attach broken strand
run 1s
freeze
let w worker(web,2)
write task $w scx.slice 7000000 --force L4,L5
read task $w scx.slice as slice
expect $slice == 7000000
thaw
run 700ms
tasks where comm == "hog" columns pid,comm,state,cpu,runtime,switches
scx
thaw
sched detach
run 100ms
thaw
sched attach vtime
run 300ms
tasks columns pid,comm,state,cpu,runtime,switches
cpus
dmesg 5
