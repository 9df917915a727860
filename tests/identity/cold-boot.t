ktdbg recording 1
topology 1n1l8c1t
clock virtual
cold-boot
scheduler vtime

# From the first instruction on, without a saved machine.
cgroup add web weight=300
spawn web workers=30 work=bursty
spawn @runner workers=20 work=pipe
[0.300000000] freeze
let w worker(web,7)
write task $w scx.dsq_vtime 1000000
thaw
run 300ms
scx
tasks columns pid,comm,state,cpu,runtime,switches
cpus
dmesg 5
