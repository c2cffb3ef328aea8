/* Source: our own model, written with the design of the protocol (spec/protocol.md); how to run it and what must come out: README.md. */
/* At-most-once delivery of in-session messages over a network that duplicates, reorders, loses and replays for ever,
   with a receiver crash, receive window of W, and garbage that fails the tag.
   Mutants: -DCOMMIT_EARLY (window moved before the tag is checked)  -DPERSIST_KEYS (session keys survive a crash, window does not)
            -DNO_WINDOW (a nonce cache of size W that evicts, no sequence window) */
#define N 5
#define W 3
byte got[N]; byte sent=0; bit keyAlive=1; byte crashes=0;
byte hi=0; bit win[N];           /* hi = highest seq accepted +1 */
byte cache[W]; byte cpos=0;
byte forged=0;
inline deliver(s,valid){
#ifdef NO_WINDOW
   bit hit=0; byte j=0;
   do :: j<W -> if :: cache[j]==s+1 -> hit=1 :: else fi; j++ :: else -> break od;
   if :: !hit && valid -> got[s]++; assert(got[s]<=1); cache[cpos]=s+1; cpos=(cpos+1)%W :: else fi
#else
   if
   :: (s+W < hi) -> skip                        /* too old */
   :: (s+W >= hi) && win[s] -> skip             /* duplicate */
   :: (s+W >= hi) && !win[s] ->
#ifdef COMMIT_EARLY
        win[s]=1; if :: s+1>hi -> hi=s+1 :: else fi;
        if :: valid -> got[s]++; assert(got[s]<=1) :: else fi
#else
        if :: valid -> win[s]=1; if :: s+1>hi -> hi=s+1 :: else fi; got[s]++; assert(got[s]<=1) :: else fi
#endif
   fi
#endif
}
active proctype Sender(){ do :: sent<N -> sent++ :: else -> break od }
active proctype Net(){ byte s;
 do
 :: atomic{ keyAlive && sent>0 -> s=0; do :: s<sent-1 -> s++ :: break od; deliver(s,1); s=0 }
 :: atomic{ keyAlive && forged<2 -> s=0; do :: s<N-1 -> s++ :: break od; forged++; deliver(s,0); s=0 }
 :: atomic{ crashes<1 -> crashes++; hi=0; cpos=0; s=0; do :: s<N -> win[s]=0; s++ :: else -> break od; s=0; do :: s<W -> cache[s]=0; s++ :: else -> break od; s=0;
#ifndef PERSIST_KEYS
      keyAlive=0
#endif
   }
 od }
/* liveness proxy: an honest message inside the window that was never delivered must still be deliverable */
#ifdef COMMIT_EARLY
active proctype Mon(){ atomic{ (sent==N && forged==2 && hi==N && got[N-1]==0 && win[N-1]) -> assert(0) /* forged packet burned the slot */ } }
#endif
