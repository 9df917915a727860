ktdbg recording 1
topology 1n2l4c1t
clock virtual
scheduler vtime

# Fifty workers under a sched_ext scheduler, and cold writes in the middle.
spawn @runner workers=30 work=spin comm=hog
spawn @runner workers=19 work=bursty comm=polite
spawn @runner workers=1 work=sequence(sleep:60s) comm=sleeper
[0.600000000] freeze
let w worker(@runner,49)
write task $w scx.dsq_vtime 2592000000000000
read task $w scx.dsq_vtime as seeded
expect $seeded >= 2592000000000000
write task $w scx.slice 5000000 --force L4,L5
thaw
[0.800000000] batch
read symbol jiffies_64 as before
write task $w scx.dsq_vtime 1000
read task $w scx.dsq_vtime as after
end
run 300ms
scx
tasks columns pid,comm,state,cpu,runtime,switches
cpus
dmesg 5
