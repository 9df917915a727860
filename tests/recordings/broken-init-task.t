ktdbg recording 1
topology 1n1l4c1t
clock virtual

# init_task() fails for a task that exists: the scheduler cannot be attached, and what was attached before is
# gone by then.
sched attach vtime
sched replace broken init-task
  | error: scheduler broken exited with status 1: runtime error: ops.init_task() failed (-12) for ktdbg-agent[1]; vtime is detached all the same
expect scx.state == "disabled"
sched status
  | state         disabled
  | ops           -
  | enable_seq .* (re)
  | scheduler     -
  | pid           -
  | unasked_ends  1
  | last_end      status 1
