ktdbg recording 1
topology 1n1l4c1t
clock virtual

# dispatch() loops with interrupts off, on one CPU after the other, until none is left.
cgroup add web
spawn web workers=9 work=spin
sched attach broken loop
run 1s
expect why(curr(0)->pid) ~ "in bpf:broken_dispatch" || why(curr(1)->pid) ~ "in bpf:broken_dispatch" || why(curr(2)->pid) ~ "in bpf:broken_dispatch" || why(curr(3)->pid) ~ "in bpf:broken_dispatch"
# Who helps: the loop ends, and all go on.
bpf set broken.data.looping 0
thaw
run 500ms
expect !(why(curr(0)->pid) ~ "no timer interrupt") && !(why(curr(1)->pid) ~ "no timer interrupt") && !(why(curr(2)->pid) ~ "no timer interrupt") && !(why(curr(3)->pid) ~ "no timer interrupt")
expect workers(web).max_gap > 900ms
