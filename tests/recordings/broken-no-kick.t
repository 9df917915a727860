ktdbg recording 1
topology 1n1l4c1t
clock virtual
scheduler broken no-kick

# A task waits for a CPU that sleeps and that nobody wakes: it runs when that happens to wake up.
spawn @runner workers=4 work=sleep(100us)
[1.500000000] expect workers(@runner).max_gap > 100ms
# A CPU that idles beside it would have run it at once.
expect curr(0).pid == 0 && curr(1).pid == 0 && curr(2).pid == 0 && curr(3).pid == 0
expect task(worker(@runner,0)).on_rq + task(worker(@runner,1)).on_rq + task(worker(@runner,2)).on_rq + task(worker(@runner,3)).on_rq > 0
