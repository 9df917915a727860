ktdbg recording 1
topology 1n1l2c1t
clock virtual

# A cgroup has used up its cpu.max: the sentence says when it gets more.
cgroup add web cpu.max=5ms/100ms
spawn web workers=1 work=spin
until why(worker(web,0)) ~ "throttled" timeout 1s
expect why(worker(web,0)) ~ "cgroup /web has used up its cpu.max and gets more in [0-9.]+ms"
