ktdbg recording 1
topology 1n1l4c1t
clock virtual

# The first user task runs only where a CPU has nothing else to do: with a spinner on each, never.
cgroup add web
spawn web workers=9 work=spin
sched attach broken starve
run 3s
let victim bpf(broken.bss.victim)
expect why($victim) ~ "(dsq 0x1|the scheduler broken has had it).*: no CPU that may run it idles; cpu [0-3] runs"
