// The rows of bench/chan with Go's channels; prints what rows.h prints.
package main

import (
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
	measure([]row{{"mpmc_1p1c", "ns", func() float64 { return through(1) }}, {"mpmc_4p4c", "ns", func() float64 { return through(4) }},
		{"mpmc_pair", "ns", pair}, {"select", "ns", selectTwo}, {"round_trip", "ns", roundTrip}})
}
