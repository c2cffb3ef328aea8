/* Source: ours, written with Hikyaku; how to run it and what must come out: README.md.
   Both open, with restarts. A step of this one process is one event somewhere: a frame arrives, a side begins a handshake, gives up, forgets, crashes, or time passes.
   First the network misbehaves: whatever was once sent may arrive at any time, in any order, again and again, or never; a crash forgets everything in memory.
   Then it is calm, and what was on its way is gone (-DLATE: some of it still arrives). Whoever can dial and does not send in a session that the other holds is told
   REJECTED and begins anew. In the end each side must send in a session that the other holds, after no more than HEAL further handshakes.
   Rule under test, spec LIFE-3 and HS-13 as session-table.ts has them: the handshake completed last takes over; of two that crossed, the smaller id; REJECTED closes nothing.
   A session id is any unused number, since real ones are random. A key is named by the session and the life of the side that answered.
   -DONE_WAY  only side 0 can dial; side 1 leaves its mail for it and never hears of a REJECTED
   -DFORGET_OLDER  who completes a handshake forgets the half-open ones of that peer that it answered before     -DFOLLOW  who cannot dial sends in the session it last heard in
   Mutants: -DSMALLER_ALWAYS (the smallest session held sends)    -DNO_REHANDSHAKE (REJECTED begins nothing)    -DREACH (the end is reached after a crash) */
#ifndef CHAOS
#define CHAOS 2      /* handshakes begun while the network misbehaves */
#endif
#ifndef HEAL
#define HEAL 2       /* handshakes it may take after that */
#endif
#ifndef CRASHES
#define CRASHES 1
#endif
#define IDS (CHAOS+HEAL)
#ifdef ONE_WAY
#define DIALS(x) (x==0)
#else
#define DIALS(x) (1)
#endif

/* st, who began: 1 M1 sent, 2 M2 taken and session made, 3 READY taken. st, who answers: 1 half-open, 2 session made, 3 the handshake itself forgotten, 4 nothing but the nonce */
byte st[12]; byte crossed[12]; byte by[6] /* who began, plus 1 */; byte key[6] /* as taken from M2 */;
bit m1[6]; byte m2[6], m3[6], ready[6]; /* what is on its way; of the last three, one bit a key */
byte sending[2], attempt[2], life[2]; /* a session's number, or 0; how often it crashed */
byte begun, crashes; bit calm;
#ifdef FORGET_OLDER
byte answered[6], answers; /* in which order M1s were answered */
#endif
byte s, k, x, y;

#define ST(x,s) st[(x)*6+(s)]
#define CROSSED(x,s) crossed[(x)*6+(s)]
#define OPENS(x,s) (ST(x,s)==2 || ST(x,s)==3)
#define MYKEY(x,s) (by[s]==(x)+1 -> key[s] : life[x])
#define HELD(y,s,k) (OPENS(y,s) && MYKEY(y,s)==k)
#define SENDS(x) (sending[x]!=0 && HELD(1-x,sending[x],MYKEY(x,sending[x])))
#define ANY(a) (a[1]||a[2]||a[3]||a[4]||a[5])
#define PICK(a) :: a[1] -> s=1 :: a[2] -> s=2 :: a[3] -> s=3 :: a[4] -> s=4 :: a[5] -> s=5
#define PICKKEY(a) :: a&1 -> k=0 :: a&2 -> k=1 :: a&4 -> k=2

inline takeOver(x,s){
#ifdef SMALLER_ALWAYS
  if :: sending[x]==0 || s<sending[x] || !OPENS(x,sending[x]) -> sending[x]=s :: else fi
#else
  if :: CROSSED(x,s)!=0 && OPENS(x,CROSSED(x,s)) && CROSSED(x,s)<s -> sending[x]=CROSSED(x,s)
     :: else -> sending[x]=s
  fi
#endif
}
inline drop(x,s,to){ printf("%d drops S%d\n",x,s);
  ST(x,s)=to; CROSSED(x,s)=0;
  if :: by[s]==x+1 -> key[s]=0 :: else fi;
  if :: sending[x]==s -> sending[x]=0 :: else fi }
inline giveUp(x){ printf("%d gives up S%d\n",x,attempt[x]); drop(x,attempt[x],0); attempt[x]=0 }
inline begin(x){
  if :: by[1]==0 -> s=1 :: by[2]==0 -> s=2 :: by[3]==0 && IDS>=3 -> s=3 :: by[4]==0 && IDS>=4 -> s=4 :: by[5]==0 && IDS>=5 -> s=5 fi;
  printf("%d begins S%d, calm %d, sends in %d\n",x,s,calm,sending[x]); begun++; by[s]=x+1; ST(x,s)=1; attempt[x]=s; m1[s]=1 }
inline forgetAll(x){ printf("%d crashes\n",x);
  s=1; do :: s<=IDS -> ST(x,s)=0; CROSSED(x,s)=0; if :: by[s]==x+1 -> key[s]=0 :: else fi; s++ :: else -> break od;
  sending[x]=0; attempt[x]=0; life[x]++ }
#ifdef NO_REHANDSHAKE
#define NEEDS(x) (DIALS(x) && attempt[x]==0 && sending[x]==0)
#else
#define NEEDS(x) (DIALS(x) && attempt[x]==0 && !SENDS(x))
#endif

active proctype World(){ bit sends0, sends1;
 do
 /* M1 */
 :: atomic{ ANY(m1) -> if PICK(m1) fi; y=2-by[s];
    if :: calm -> m1[s]=0 :: else fi;
    if
    :: ST(y,s)==0 -> printf("%d answers M1 of S%d\n",y,s); ST(y,s)=1;
#ifdef FORGET_OLDER
       answers++; answered[s]=answers;
#endif
        m2[s]=m2[s]|(1<<life[y]);
       if :: attempt[y]!=0 && ST(y,attempt[y])==1 -> CROSSED(y,s)=attempt[y]; CROSSED(y,attempt[y])=s :: else fi
    :: ST(y,s)==1 || ST(y,s)==2 -> m2[s]=m2[s]|(1<<life[y])
    :: ST(y,s)>=3 -> if :: attempt[1-y]==s && ST(1-y,s)==1 && m2[s]==0 -> giveUp((1-y)) :: else fi
    fi; s=0; y=0 }
 /* M2 */
 :: atomic{ ANY(m2) -> if PICK(m2) fi; if PICKKEY(m2[s]) fi; x=by[s]-1;
    if :: calm -> m2[s]=m2[s]&(7-(1<<k)) :: else fi;
    if
    :: attempt[x]==s && ST(x,s)==1 -> ST(x,s)=2; key[s]=k; takeOver(x,s); printf("%d takes M2 of S%d, sends in S%d\n",x,s,sending[x]); m3[s]=m3[s]|(1<<k)
    :: attempt[x]==s && ST(x,s)==2 && key[s]==k -> m3[s]=m3[s]|(1<<k)
    :: else -> skip
    fi; s=0; k=0; x=0 }
 /* M3 */
 :: atomic{ ANY(m3) -> if PICK(m3) fi; if PICKKEY(m3[s]) fi; y=2-by[s];
    if :: calm -> m3[s]=m3[s]&(7-(1<<k)) :: else fi;
    if
    :: ST(y,s)==1 && life[y]==k -> ST(y,s)=2;
#ifdef FORGET_OLDER
       x=1; do :: x<=IDS -> if :: x!=s && by[x]==by[s] && ST(y,x)==1 && answered[x]<answered[s] -> ST(y,x)=4; CROSSED(y,x)=0 :: else fi; x++ :: else -> break od; x=0;
#endif
       takeOver(y,s); printf("%d takes M3 of S%d, sends in S%d\n",y,s,sending[y]); ready[s]=ready[s]|(1<<k)
    :: ST(y,s)==2 && life[y]==k -> ready[s]=ready[s]|(1<<k)
    :: else -> if :: attempt[1-y]==s && ST(1-y,s)==2 && key[s]==k -> giveUp((1-y)) :: else fi
    fi; s=0; k=0; y=0 }
 /* READY */
 :: atomic{ ANY(ready) -> if PICK(ready) fi; if PICKKEY(ready[s]) fi; x=by[s]-1;
    if :: calm -> ready[s]=ready[s]&(7-(1<<k)) :: else fi;
    if
    :: attempt[x]==s && ST(x,s)==2 && key[s]==k -> ST(x,s)=3; attempt[x]=0; printf("%d takes READY of S%d\n",x,s)
    :: else -> skip
    fi; s=0; k=0; x=0 }
 /* whoever wants begins a handshake; a REJECTED retires */
 :: atomic{ !calm && begun<CHAOS -> if :: attempt[0]==0 && DIALS(0) -> x=0 :: attempt[1]==0 && DIALS(1) -> x=1 :: else -> goto next fi;
    if :: sending[x]=0 :: skip fi; begin(x); 
next: s=0; x=0 }
 :: atomic{ calm && (NEEDS(0) || NEEDS(1)) -> if :: NEEDS(0) -> x=0 :: NEEDS(1) -> x=1 fi;
#ifndef SMALLER_ALWAYS
    sending[x]=0;
#endif
    assert(begun<IDS); /* it heals */
    begin(x); s=0; x=0 }
#ifdef FOLLOW
 :: atomic{ calm && !DIALS(1) && SENDS(0) && (ST(0,sending[0])==3||by[sending[0]]==2) && sending[1]!=sending[0] -> sending[1]=sending[0] }
#endif
 /* time passes */
 :: atomic{ !calm && (attempt[0] || attempt[1]) -> if :: attempt[0] -> x=0 :: attempt[1] -> x=1 fi;
    giveUp(x); x=0 }
 :: atomic{ !calm && begun>0 -> if :: s=1 :: s=2 :: s=3 fi; 
    if :: by[s]!=0 -> y=2-by[s];
       if :: ST(y,s)==1 -> ST(y,s)=4; CROSSED(y,s)=0; printf("%d forgets half-open S%d\n",y,s) :: ST(y,s)==2 -> ST(y,s)=3
          :: OPENS(y,s) && sending[y]!=s -> drop(y,s,4)
          :: ST(1-y,s)==3 && sending[1-y]!=s -> drop((1-y),s,0)
          :: else -> skip fi
    :: else -> skip fi; s=0; y=0 }
 :: atomic{ !calm && crashes<CRASHES -> crashes++; if :: x=0 :: x=1 fi; forgetAll(x); s=0; x=0 }
 :: atomic{ !calm -> calm=1; printf("calm\n");
    s=1; do :: s<=IDS -> 
#ifdef LATE
     if :: m1[s]=0 :: m1[s] fi; if :: m2[s]=0 :: m2[s] fi; if :: m3[s]=0 :: m3[s] fi; if :: ready[s]=0 :: ready[s] fi;
#else
     m1[s]=0; m2[s]=0; m3[s]=0; ready[s]=0;
#endif
      s++ :: else -> break od; s=0
    }
 :: atomic{ timeout && calm ->
    if
    :: attempt[0] || attempt[1] -> if :: attempt[0] -> x=0 :: attempt[1] -> x=1 fi;
       if :: ST(x,attempt[x])==1 -> m1[attempt[x]]=1 :: ST(x,attempt[x])==2 -> m3[attempt[x]]=m3[attempt[x]]|(1<<key[attempt[x]]) fi; x=0
    :: else ->
#ifdef REACH
       assert(crashes==0);
#endif
       sends0=SENDS(0); sends1=SENDS(1); assert(sends0); assert(sends1); break
    fi }
 od }
