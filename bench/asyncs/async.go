// The rows of bench/async with goroutines; prints what rows.h prints.
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
	yields    = 50000
	creations = 10000
	trips     = 20000
)

func twoYield() float64 {
	var all sync.WaitGroup
	all.Add(2)
	before := time.Now()
	for g := 0; g < 2; g++ {
		go func() {
			for i := 0; i < yields; i++ {
				runtime.Gosched()
			}
			all.Done()
		}()
	}
	all.Wait()
	return float64(time.Since(before).Nanoseconds()) / (2 * yields)
}

func createJoin() float64 {
	done := make(chan struct{}, 1)
	before := time.Now()
	for i := 0; i < creations; i++ {
		go func() { done <- struct{}{} }()
		<-done
	}
	return float64(time.Since(before).Nanoseconds()) / creations
}

func pingPong() float64 {
	there, back := make(chan int64), make(chan int64)
	go func() {
		for m := range there {
			back <- m
		}
	}()
	before := time.Now()
	for i := int64(0); i < trips; i++ {
		there <- i
		<-back
	}
	ns := float64(time.Since(before).Nanoseconds()) / trips
	close(there)
	return ns
}

// The same number of timers, set and stopped again.
func timers() float64 {
	const count = 1000
	var all [count]*time.Timer
	before := time.Now()
	for i := range all {
		all[i] = time.AfterFunc(time.Second+time.Duration(i)*time.Microsecond, func() {})
	}
	for _, timer := range all {
		timer.Stop()
	}
	return float64(time.Since(before).Nanoseconds()) / count
}

func late() float64 {
	before := time.Now()
	time.Sleep(time.Millisecond)
	return float64((time.Since(before) - time.Millisecond).Nanoseconds())
}

func main() {
	rows := map[string]func() float64{"yield": twoYield, "create_join": createJoin, "ping_pong": pingPong, "timer": timers, "late": late, "echo": echoes, "files": files}
	if len(os.Args) > 1 && os.Args[1] == "--list" {
		for name := range rows {
			fmt.Println(name)
		}
		return
	}
	ms, workers := 100, 2
	if len(os.Args) > 2 {
		ms, _ = strconv.Atoi(os.Args[2])
	}
	if len(os.Args) > 3 {
		workers, _ = strconv.Atoi(os.Args[3])
	}
	if len(os.Args) < 2 || rows[os.Args[1]] == nil {
		fmt.Fprintln(os.Stderr, "usage: go ROW [MILLISECONDS [WORKERS]]")
		os.Exit(2)
	}
	runtime.GOMAXPROCS(workers)
	round := rows[os.Args[1]]
	round()
	samples := []string{}
	for start := time.Now(); time.Since(start) < time.Duration(ms)*time.Millisecond || len(samples) < 3; {
		samples = append(samples, fmt.Sprintf("%.6g", round()))
	}
	fmt.Printf("{\"library\":\"go\",\"series\":[{\"name\":\"%s\",\"unit\":\"ns\",\"more_is_better\":false,\"samples\":[%s]}]}\n",
		os.Args[1], strings.Join(samples, ","))
}
