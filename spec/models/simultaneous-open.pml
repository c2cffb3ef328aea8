/* Source: our own model, written with the design of the protocol (spec/protocol.md); how to run it and what must come out: README.md. */
/* Simultaneous open + loss + retransmission. Session s is the one initiated by agent s. Rule under test: never cancel an attempt;
   answer a duplicate M1 with the same cached M2; resend M3 until READY; send on the smallest established session, receive on all.
   Mutants: -DCANCEL_OWN (drop own attempt when the peer's M1 arrives)  -DNO_READY (M3 never resent) */
#define M1 1
#define M2 2
#define M3 3
#define RDY 4
#ifndef LOSS
#define LOSS 3
#endif
chan q[2]=[3] of {byte,byte}; byte lost=0; byte own[2]; byte rsp[2]; byte tx[2]; bit want[2]; bit go=0;
#define EST(x,s) ((s==x && own[x]>=2) || (s!=x && rsp[x]==2))
#define PRIM(x) (EST(x,0) -> 0 : (EST(x,1) -> 1 : 9))
inline snd(to,t,s){ if :: full(q[to]) -> skip :: nfull(q[to]) -> if :: q[to]!t,s :: lost<LOSS -> lost++ fi fi }
proctype Ag(byte x){ byte t; byte s;
 go==1;
 if :: want[x] -> atomic{ own[x]=1; snd(1-x,M1,x) } :: else fi;
end: do
 :: atomic{ q[x]?t,s ->
    if
    :: t==M1 ->
#ifdef CANCEL_OWN
       if :: own[x]==1 -> own[x]=0 :: else fi;
#endif
       if :: rsp[x]==0 -> rsp[x]=1 :: else fi; snd(1-x,M2,s)
    :: t==M2 -> if :: own[x]>=1 -> if :: own[x]==1 -> own[x]=2 :: else fi; snd(1-x,M3,s) :: else fi
    :: t==M3 -> if :: rsp[x]>=1 -> rsp[x]=2; snd(1-x,RDY,s) :: else fi
    :: t==RDY -> if :: own[x]==2 -> own[x]=3 :: else fi
    fi; t=0; s=0 }
 :: atomic{ timeout && own[x]==1 -> snd(1-x,M1,x) }
#ifndef NO_READY
 :: atomic{ timeout && own[x]==2 -> snd(1-x,M3,x) }
#endif
 od }
#ifdef NO_READY
#define SETTLED(x) (own[x]!=1)
#else
#define SETTLED(x) (own[x]!=1 && own[x]!=2)
#endif
active proctype Mon(){ go==1;
 endm: atomic{ (len(q[0])==0 && len(q[1])==0 && SETTLED(0) && SETTLED(1) && (!want[0]||own[0]||rsp[0]) && (!want[1]||own[1]||rsp[1])) -> assert(PRIM(0)==PRIM(1) && PRIM(0)!=9) } }
init { atomic{ if :: want[0]=1 :: want[1]=1 :: want[0]=1; want[1]=1 fi; run Ag(0); run Ag(1); go=1 } }
