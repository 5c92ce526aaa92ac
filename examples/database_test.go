package examples_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"sync"
)

// bank is a database that knows one statement, and what transactions are.
type bank struct {
	mu       sync.Mutex
	balances map[string]int64

	entered chan struct{} // if not nil, Commit sends on it, and goes on when commit is closed
	commit  chan struct{}
}

func (b *bank) open() *sql.DB { return sql.OpenDB(b) }

func (b *bank) Connect(context.Context) (driver.Conn, error) { return &teller{bank: b}, nil }
func (b *bank) Driver() driver.Driver                        { return nil }

// teller is a connection to the bank, with what its transaction has done so far.
type teller struct {
	bank  *bank
	moved map[string]int64
}

var errUnknownOwner = errors.New("there is no such account")

func (c *teller) Prepare(string) (driver.Stmt, error) { return nil, driver.ErrSkip }
func (c *teller) Close() error                        { return nil }

func (c *teller) Begin() (driver.Tx, error) {
	c.moved = map[string]int64{}
	return c, nil
}

func (c *teller) ExecContext(_ context.Context, _ string, args []driver.NamedValue) (
	driver.Result, error) {
	amount, owner := args[0].Value.(int64), args[1].Value.(string)
	c.bank.mu.Lock()
	defer c.bank.mu.Unlock()
	if _, known := c.bank.balances[owner]; !known {
		return nil, errUnknownOwner
	}
	c.moved[owner] += amount
	return driver.RowsAffected(1), nil
}

func (c *teller) Commit() error {
	if c.bank.entered != nil {
		c.bank.entered <- struct{}{}
		<-c.bank.commit
	}
	c.bank.mu.Lock()
	defer c.bank.mu.Unlock()
	for owner, amount := range c.moved {
		c.bank.balances[owner] += amount
	}
	return nil
}

func (c *teller) Rollback() error { return nil }
