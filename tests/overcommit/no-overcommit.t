ktdbg recording 1
topology 1n1l2c1t
clock real
cpu-budget 2

# two vCPUs on two host CPUs that nobody else wants: next to nothing is stolen
spawn @runner workers=1 work=spin
run 500ms
let s steal(0) + steal(1)
let t time
run 5s
expect (steal(0) + steal(1) - $s) * 20 < time - $t
