ktdbg recording 1
topology 1n2l4c1t
clock virtual

# Fifty workers of mixed kinds on eight CPUs under the kernel's own scheduler.
cgroup add web weight=300
cgroup add batch cpu.max=50%
spawn web workers=20 work=bursty
spawn batch workers=10 work=spin
spawn @runner workers=10 work=pipe
spawn @runner workers=10 work=fork-exit
run 300ms
tasks where comm ~ "^(bursty|spin|pipe)" columns pid,comm,state,cpu,runtime,switches
thaw
affinity web 2-5
run 300ms
tasks columns pid,comm,state,cpu,runtime,switches
cpus
print workers(web)
print workers(batch)
dmesg 5
