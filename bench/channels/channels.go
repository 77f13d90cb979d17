// The rows of bench/chan with Go's channels; prints what rows.h prints.
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
	capacity = 1024
	messages = 400000
	pairs    = 200000
)

func through(threads int) float64 {
	before := time.Now()
	ch := make(chan int64, capacity)
	var all sync.WaitGroup
	all.Add(2 * threads)
	each := messages / threads
	for t := 0; t < threads; t++ {
		go func() {
			for i := 0; i < each; i++ {
				ch <- int64(i)
			}
			all.Done()
		}()
		go func() {
			for i := 0; i < each; i++ {
				<-ch
			}
			all.Done()
		}()
	}
	all.Wait()
	return float64(time.Since(before).Nanoseconds()) / messages
}

func pair() float64 {
	ch := make(chan int64, capacity)
	before := time.Now()
	for i := 0; i < pairs; i++ {
		ch <- int64(i)
		<-ch
	}
	return float64(time.Since(before).Nanoseconds()) / pairs
}

func selectTwo() float64 {
	a, b := make(chan int64, capacity), make(chan int64, capacity)
	before := time.Now()
	for i := 0; i < pairs; i++ {
		if i&1 == 0 {
			a <- int64(i)
		} else {
			b <- int64(i)
		}
		select {
		case <-a:
		case <-b:
		}
	}
	return float64(time.Since(before).Nanoseconds()) / pairs
}

// Between goroutines, which are no threads.
func roundTrip() float64 {
	const trips = 20000
	there, back := make(chan int64), make(chan int64)
	go func() {
		for m := range there {
			back <- m
		}
	}()
	before := time.Now()
	for i := 0; i < trips; i++ {
		there <- int64(i)
		<-back
	}
	ns := float64(time.Since(before).Nanoseconds()) / trips
	close(there)
	return ns
}

func main() {
	names := []string{"mpmc_1p1c", "mpmc_4p4c", "mpmc_pair", "select", "round_trip"}
	rounds := []func() float64{func() float64 { return through(1) }, func() float64 { return through(4) }, pair, selectTwo,
		roundTrip}
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
