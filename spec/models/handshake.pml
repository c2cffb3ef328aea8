/* Source: our own model, written with the design of the protocol (spec/protocol.md); how to run it and what must come out: README.md. */
/* Bounded Dolev-Yao check of the 3-message handshake. 2 honest agents, each one initiator and one responder run,
   plus an intruder I with its own registered identity. Receive = nondeterministic choice over everything the intruder can send.
   Mutants: -DNO_RCV  recipient_id outside the signature     -DNO_TH  msg2/msg3 do not echo the transcript hash
            -DNO_MAC  no key confirmation                     -DNO_SELFCHK sender==self allowed
            -DOFF_UNSIGNED  offer outside the signature       -DTOFU key taken from the message, no id->key pin  */
#define A 0
#define B 1
#define I 2
#define EI 5
typedef Msg { byte t; byte snd; byte rcv; byte e; byte off; byte sel; int th; byte mk; int mth; byte sg };
Msg seen[6]; /* fixed slot per (type,agent): no permutations */
byte iPeer[2], iE2[2], iSel[2]; bit iDone[2], iStart[2];
byte rPeer[2], rE1[2], rSel[2]; bit rSent[2], rDone[2];
int iTh[2], rTh[2];
#ifdef LEAK_A
#define HON(p) (p!=A)
#else
#define HON(p) (1)
#endif
#define EINI(x) (x+1)
#define ERSP(x) (x+3)
#define KEY(a,b) (a*8+b)
#define TH1(s,r,e,o) (s + 4*r + 16*e + 128*o)
#define TH2(t1,e2,sl) (t1 + 1024*e2 + 8192*sl + 65536)
#ifdef KEYTH
#define SAMEKEY(x,y) (rE1[y]==EINI(x) && iE2[x]==ERSP(y) && iTh[x]==rTh[y])
#else
#define SAMEKEY(x,y) (rE1[y]==EINI(x) && iE2[x]==ERSP(y))
#endif
#define SL_(TT,S) ((TT-1)*2+S)
inline send(TT,S,R,EE,O,SL,H,K,MH){ seen[SL_(TT,S)].t=TT; seen[SL_(TT,S)].snd=S; seen[SL_(TT,S)].rcv=R; seen[SL_(TT,S)].e=EE; seen[SL_(TT,S)].off=O; seen[SL_(TT,S)].sel=SL; seen[SL_(TT,S)].th=H; seen[SL_(TT,S)].mk=K; seen[SL_(TT,S)].mth=MH; seen[SL_(TT,S)].sg=S }
inline copyseen(m,k){ m.t=seen[k].t; m.snd=seen[k].snd; m.rcv=seen[k].rcv; m.e=seen[k].e; m.off=seen[k].off; m.sel=seen[k].sel; m.th=seen[k].th; m.mk=seen[k].mk; m.mth=seen[k].mth; m.sg=seen[k].sg }
inline clr(m){ m.t=0; m.snd=0; m.rcv=0; m.e=0; m.off=0; m.sel=0; m.th=0; m.mk=0; m.mth=0; m.sg=0 }
inline recv(m,self,k,TT,okth,ke1){   /* intruder chooses: replay a seen message of the right type, or compose one signed by I */
  if
  :: seen[SL_(TT,0)].t!=0 -> copyseen(m,SL_(TT,0));
#ifdef NO_RCV
     m.rcv=self;
#endif
#ifdef OFF_UNSIGNED
     if :: TT==1 -> m.off=1 :: skip fi;
#endif
  :: seen[SL_(TT,1)].t!=0 -> copyseen(m,SL_(TT,1));
#ifdef NO_RCV
     m.rcv=self;
#endif
#ifdef OFF_UNSIGNED
     if :: TT==1 -> m.off=1 :: skip fi;
#endif
  :: m.t=TT; m.sg=I; m.rcv=self;
#ifdef TOFU
     if :: m.snd=A :: m.snd=B :: m.snd=I fi;
#else
     m.snd=I;
#ifdef LEAK_A   /* A's identity key is stolen: intruder may also sign as A (KCI question: can it then fool A about B?) */
     if :: m.sg=A; m.snd=A :: skip fi;
#endif
#endif
     if :: TT!=3 -> if :: m.e=1 :: m.e=2 :: m.e=3 :: m.e=4 :: m.e=EI fi :: else fi;
     if :: TT==1 -> if :: m.off=1 :: m.off=2 fi :: else fi;
     if :: TT==2 -> if :: m.sel=1 :: m.sel=2 fi :: else fi;
     m.th=okth; m.mk=0; m.mth=0;
  :: skip      /* nothing arrives */
  fi }
#ifdef NO_TH
#define CKTH(c) (1)
#else
#define CKTH(c) (c)
#endif
#ifdef NO_MAC
#define CKMAC(c) (1)
#else
#define CKMAC(c) (c)
#endif
#ifdef NO_SELFCHK
#define CKSELF(c) (1)
#else
#define CKSELF(c) (c)
#endif
/* pin: id -> key */
#ifdef TOFU
#define AUTH(m) (1)
#else
#define AUTH(m) (m.sg==m.snd)
#endif
proctype Init(byte x){ Msg m; byte k; int t1; int t2; byte p;
  if :: p=1-x :: p=I fi;
  atomic{ iStart[x]=1; iPeer[x]=p; t1=TH1(x,p,EINI(x),2); send(1,x,p,EINI(x),2,0,0,0,0) }
  atomic{
  recv(m,x,k,2,t1,EINI(x));
  if :: m.mk==0 && m.t==2 && m.e==EI -> m.mk=KEY(EINI(x),EI); m.mth=TH2(t1,m.e,m.sel) :: else fi;
  t2=TH2(t1,m.e,m.sel);
  if
  :: (m.t==2 && m.rcv==x && m.snd==p && AUTH(m) && (m.sel==1||m.sel==2) && CKTH(m.th==t1) && CKMAC(m.mk==KEY(EINI(x),m.e) && m.mth==t2)) -> iE2[x]=m.e; iSel[x]=m.sel; iTh[x]=t2; iDone[x]=1;
        send(3,x,p,0,0,0,t2,KEY(EINI(x),m.e),t2);
        if :: p!=I && HON(p) -> assert(rSent[p] && rPeer[p]==x && rE1[p]==EINI(x) && m.e==ERSP(p) && rSel[p]==m.sel);  /* agreement */
                      assert(m.sel==2)                                                                       /* no downgrade */
           :: else fi;
        k=0; do :: k<2 -> assert(!(rDone[k] && SAMEKEY(x,k)) || (rPeer[k]==x && p==k)); k++ :: else -> break od /* no unknown key share */
  :: else -> skip
  fi; clr(m); k=0; t1=0; t2=0 } }
proctype Resp(byte x){ Msg m; byte k; int t1; int t2; byte p; byte e1; byte sl;
  atomic{
  recv(m,x,k,1,0,0);
  if
  :: (m.t==1 && m.rcv==x && AUTH(m) && m.e!=0 && (m.off==1||m.off==2) && CKSELF(m.snd!=x)) -> p=m.snd; e1=m.e; sl=m.off; t1=TH1(p,x,e1,m.off);
        rPeer[x]=p; rE1[x]=e1; rSel[x]=sl; rSent[x]=1; t2=TH2(t1,ERSP(x),sl);
        send(2,x,p,ERSP(x),0,sl,t1,KEY(e1,ERSP(x)),t2)
  :: else -> clr(m); goto end
  fi; clr(m) };
  atomic{
  recv(m,x,k,3,t2,e1);
  if :: m.mk==0 && m.t==3 && e1==EI -> m.mk=KEY(EI,ERSP(x)); m.mth=t2 :: else fi;
  if
  :: (m.t==3 && m.rcv==x && m.snd==p && AUTH(m) && CKTH(m.th==t2) && CKMAC(m.mk==KEY(e1,ERSP(x)) && m.mth==t2)) -> rDone[x]=1; rTh[x]=t2;
#ifdef REACH   /* non-vacuity: must be violated */
        assert(!(p==1-x));
#endif
        if :: p!=I && p!=x && HON(p) -> assert(iDone[p] && iPeer[p]==x && e1==EINI(p) && iE2[p]==ERSP(x) && iSel[p]==sl)
           :: p==x -> assert(0)   /* talked to ourselves */
           :: else fi;
        k=0; do :: k<2 -> assert(!(iDone[k] && SAMEKEY(k,x)) || (iPeer[k]==x && p==k)); k++ :: else -> break od
  :: else -> skip
  fi; clr(m); k=0; t1=0; t2=0; p=0; e1=0; sl=0 };
  end: skip }
init { atomic{ run Init(A); run Init(B); run Resp(A); run Resp(B) } }
