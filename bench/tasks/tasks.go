// The rows of bench/task with goroutines; prints what rows.h prints.
package main

import (
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"time"
)

const (
	spawns   = 10000
	fibOf    = 22
	fibTasks = 28656
)

func spawnJoin() float64 {
	before := time.Now()
	done := make(chan struct{}, 1)
	for i := 0; i < spawns; i++ {
		go func() { done <- struct{}{} }()
		<-done
	}
	return float64(time.Since(before).Nanoseconds()) / spawns
}

func spawnWait() float64 {
	before := time.Now()
	var all sync.WaitGroup
	all.Add(spawns)
	for i := 0; i < spawns; i++ {
		go all.Done()
	}
	all.Wait()
	return float64(time.Since(before).Nanoseconds()) / spawns
}

func fib(n int) int {
	if n < 2 {
		return n
	}
	a := make(chan int, 1)
	go func() { a <- fib(n - 1) }()
	b := fib(n - 2)
	return <-a + b
}

func fibs() float64 {
	before := time.Now()
	if fib(fibOf) != 17711 {
		fmt.Fprintln(os.Stderr, "bench: wrong result")
		os.Exit(1)
	}
	return float64(time.Since(before).Nanoseconds()) / fibTasks
}

func main() {
	names := []string{"spawn_join", "spawn_wait", "fib", "outside"}
	rounds := []func() float64{spawnJoin, spawnWait, fibs, spawnWait}
	if len(os.Args) > 1 && os.Args[1] == "--list" {
		fmt.Println(strings.Join(names, "\n"))
		return
	}
	ms, workers, row := 100.0, 2, -1
	for i, name := range names {
		if len(os.Args) > 1 && os.Args[1] == name {
			row = i
		}
	}
	if row < 0 {
		fmt.Fprintln(os.Stderr, "usage: go ROW [MILLISECONDS [WORKERS]]")
		os.Exit(2)
	}
	if len(os.Args) > 2 {
		ms, _ = strconv.ParseFloat(os.Args[2], 64)
	}
	if len(os.Args) > 3 {
		workers, _ = strconv.Atoi(os.Args[3])
	}
	runtime.GOMAXPROCS(workers)
	rounds[row]()
	var samples []string
	for start := time.Now(); float64(time.Since(start).Milliseconds()) < ms || len(samples) < 3; {
		if ns := rounds[row](); len(samples) < 512 {
			samples = append(samples, fmt.Sprintf("%.6g", ns))
		}
	}
	fmt.Printf("{\"library\":\"go\",\"series\":[{\"name\":\"%s\",\"unit\":\"ns\",\"more_is_better\":false,\"samples\":[%s]}]}\n",
		names[row], strings.Join(samples, ","))
}
