ktdbg recording 1
topology 1n1l4c1t
clock virtual
scheduler broken race

# A wakeup that falls between a CPU's look at its queue and its sleep is lost: the task then waits until
# something else wakes this CPU. That takes an unlucky moment, which this interleaving does not have;
# `ktdbg --batch FILE --explore 50` finds one that has it.
spawn @runner workers=4 work=pipe
[1.000000000] expect workers(@runner).max_gap < 50ms
