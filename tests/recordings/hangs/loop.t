ktdbg recording 1
topology 1n1l4c1t
clock virtual

# dispatch() loops with interrupts off, on one CPU after the other, until none is left.
cgroup add web
spawn web workers=9 work=spin
sched attach broken loop
run 1s
expect why(curr(0)->pid) ~ "cpu 0 has had no timer interrupt for .* keeps them off, in bpf:broken_dispatch"
locks columns lock,kind where spinning ~ "cpu"
  | lock +kind (re)
  | rq [0-3] +spinlock (re)
# Who helps: the loop ends, and all go on.
bpf set broken.data.looping 0
thaw
run 500ms
expect !(why(curr(0)->pid) ~ "no timer interrupt") && workers(web).max_gap > 900ms
