package luki.gateway.standin;

/** What a stand-in's handler gives back: a whole reply, or an event stream written as it grows. */
sealed interface Answer permits Reply, EventStream {}
