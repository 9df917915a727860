ktdbg recording 1
topology 1n1l4c1t
clock virtual
scheduler broken wrong-cpu

# A dispatch to a CPU that does not exist is an error of the kernel, which takes the scheduler off.
expect scx.state == "enabled"
spawn @runner workers=1 work=spin
wait scx.state == "disabled" timeout 1s
run 100ms
expect workers(@runner).iterations > 0
expect console ~ "invalid CPU"
