package client_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"os"
	"testing"
	"time"

	"github.com/keyhatch/keyhatch/api"
	"github.com/keyhatch/keyhatch/client"
	"github.com/keyhatch/keyhatch/internal/devserver"
)

// The examples run against a server with sample data, "keyhatch dev".
func TestMain(m *testing.M) { os.Exit(devserver.RunBeside(m)) }

// A lease for a quarter of an hour, of a part of a location.
func Example() {
	ctx := context.Background()
	keyhatch := client.New(os.Getenv("KEYHATCH_SERVER"), os.Getenv("KEYHATCH_TOKEN"))
	lent, err := keyhatch.CreateLease(ctx, api.LeaseRequest{
		Location: "s3://demo/alpha/", Access: "read", Prefixes: []string{"s3://demo/alpha/2026/"}, DurationSeconds: new(15 * 60),
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(lent.Access, lent.Prefixes, time.Until(lent.ExpiresAt).Round(time.Minute))
	if err := keyhatch.RevokeLease(ctx, lent.ID); err != nil {
		log.Fatal(err)
	}
	// Output:
	// read [s3://demo/alpha/2026/] 15m0s
}

// A list is ranged over; its pages are fetched as the loop goes on.
func ExampleClient_Locations() {
	ctx := context.Background()
	keyhatch := client.New(os.Getenv("KEYHATCH_SERVER"), os.Getenv("KEYHATCH_TOKEN"))
	for location, err := range keyhatch.In("demo").Locations(ctx) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(location.Name, location.URL)
	}
	// Unordered output:
	// alpha s3://demo/alpha/
	// beta s3://demo/beta/
}

// A user gets to read a location, and is found among all who can.
func ExampleClient_GiveGrant() {
	ctx := context.Background()
	keyhatch := client.New(os.Getenv("KEYHATCH_SERVER"), os.Getenv("KEYHATCH_TOKEN")).In("demo")
	if _, err := keyhatch.CreateUser(ctx, api.NewUser{Name: "grace"}); err != nil {
		log.Fatal(err)
	}
	if _, err := keyhatch.PutWorkspaceMember(ctx, "demo", "grace", api.MemberRole{Role: "member"}); err != nil {
		log.Fatal(err)
	}
	if _, err := keyhatch.GiveGrant(ctx, api.NewGrant{Location: "alpha", To: "user", Subject: "grace", Access: "read"}); err != nil {
		log.Fatal(err)
	}
	answer, err := keyhatch.WhoCan(ctx, "alpha", "read", time.Time{})
	if err != nil {
		log.Fatal(err)
	}
	for _, way := range answer.Ways {
		fmt.Println(way.UserName, way.Access)
	}
	// Output:
	// admin write
	// grace read
}

// What the server refuses is a Problem: its code is for the program, its detail for
// people.
func Example_refused() {
	ctx := context.Background()
	keyhatch := client.New(os.Getenv("KEYHATCH_SERVER"), os.Getenv("KEYHATCH_TOKEN"))
	_, err := keyhatch.CreateLease(ctx, api.LeaseRequest{Location: "nowhere", Access: "read"})
	var problem *api.Problem
	if errors.As(err, &problem) {
		fmt.Println(problem.Status, problem.Code)
	}
	// Output:
	// 404 location_not_found
}
