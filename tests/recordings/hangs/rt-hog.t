ktdbg recording 1
topology 1n1l2c1t
clock virtual

# A real-time task that never sleeps, and another one that would like to have its CPU.
cgroup add web
spawn web workers=1 work=spin policy=fifo:10 affinity=1 comm=hog
spawn web workers=1 work=spin affinity=1 comm=victim
run 300ms
expect why(worker(web,1)) ~ "^waits for cpu 1, which runs [0-9]+ hog of the rt class for"
expect why(worker(web,0)) ~ "^runs on cpu 1"
