%% The same questions to Erlang/OTP: bare processes, and gen_server for asks. Driven by run.mjs:
%% erl +S 1:1 +P 1000000 -noshell -pa <build> -run local main <case> <peer> [quick]
-module(local).
-behaviour(gen_server).
-export([main/1, init/1, handle_call/3, handle_cast/2]).

init(State) -> {ok, State}.
handle_call({increment, N}, _From, State) -> {reply, N + 1, State}.
handle_cast(_Message, State) -> {noreply, State}.

main([Case, Peer | Quick]) ->
    Size = fun(Full) -> case Quick of [] -> Full; _ -> max(100, Full div 50) end end,
    question(Case, Peer, Size),
    halt(0).

question("ping-pong", Peer, Size) -> flow(Peer, "ping-pong", fun ping_pong/1, Size(1000000));
question("thread ring", Peer, Size) -> flow(Peer, "thread ring", fun thread_ring/1, Size(2000000));
question("counting", Peer, Size) -> flow(Peer, "counting", fun counting/1, Size(1000000));
question("fork-join", Peer, Size) -> flow(Peer, "fork-join", fun fork_join/1, Size(10000));
question("big", Peer, Size) -> flow(Peer, "big", fun big/1, Size(8000));
question("chameneos", Peer, Size) -> flow(Peer, "chameneos", fun chameneos/1, Size(200000));
question("one in flight", Peer, Size) -> asks(Peer, "one in flight", 1, Size(400000));
question("100 in flight", Peer, Size) -> asks(Peer, "100 in flight", 100, Size(400000));
question("spawn setup", Peer, Size) ->
    Count = Size(100000),
    erlang:garbage_collect(),
    Before = erlang:memory(total),
    {Us, Kept} = timer:tc(fun() -> [spawn(fun idle/0) || _ <- lists:seq(1, Count)] end),
    erlang:garbage_collect(),
    Bytes = (erlang:memory(total) - Before) div length(Kept),
    report(Peer, "spawn setup", Count / Us * 1.0e6, "actors/s", io_lib:format(",\"bytes\":~w", [Bytes]));
question("one message", Peer, Size) ->
    Count = Size(40000),
    one_message(Count div 10),
    {Us, _} = timer:tc(fun() -> one_message(Count) end),
    report(Peer, "one message", Count / Us * 1.0e6, "actors/s", "").

flow(Peer, Case, Run, Size) ->
    Run(max(100, Size div 25)),
    {Us, Messages} = timer:tc(fun() -> Run(Size) end),
    report(Peer, Case, Messages / Us * 1.0e6, "messages/s", "").

report(Peer, Case, Rate, Unit, More) ->
    io:format("{\"peer\":\"~s\",\"case\":\"~s\",\"rate\":~.1f,\"unit\":\"~s\"~s}~n", [Peer, Case, Rate, Unit, More]).

idle() -> receive stop -> ok; _ -> idle() end.

all_done(0) -> ok;
all_done(Left) -> receive done -> all_done(Left - 1) end.

%% ping-pong

ping_pong(Rounds) ->
    Me = self(),
    Pong = spawn(fun pong/0),
    spawn(fun() -> ping(Pong, Rounds), Me ! done end),
    all_done(1),
    Pong ! stop,
    2 * Rounds.

pong() -> receive {ping, From} -> From ! pong, pong(); stop -> ok end.

ping(_Pong, 0) -> ok;
ping(Pong, Left) -> Pong ! {ping, self()}, receive pong -> ping(Pong, Left - 1) end.

%% thread ring

thread_ring(Hops) ->
    Me = self(),
    First = spawn(fun() -> receive {next, Next} -> pass(Next, Me) end end),
    Ring = lists:foldl(fun(_, [Next | _] = All) -> [spawn(fun() -> pass(Next, Me) end) | All] end, [First], lists:seq(1, 99)),
    First ! {next, hd(Ring)},
    First ! {token, Hops},
    all_done(1),
    [Process ! stop || Process <- Ring],
    Hops.

pass(Next, Owner) ->
    receive
        {token, 0} -> Owner ! done, pass(Next, Owner);
        {token, Left} -> Next ! {token, Left - 1}, pass(Next, Owner);
        stop -> ok
    end.

%% counting

counting(Messages) ->
    Me = self(),
    Counter = spawn(fun() -> count(0) end),
    spawn(fun() -> flood(Counter, Messages, Me) end),
    receive {counted, Messages} -> Messages end.

count(Total) -> receive {add, N} -> count(Total + N); {'end', From} -> From ! {counted, Total} end.

flood(Counter, 0, Owner) -> Counter ! {'end', Owner};
flood(Counter, Left, Owner) -> Counter ! {add, 1}, flood(Counter, Left - 1, Owner).

%% fork-join

fork_join(Each) ->
    Me = self(),
    Workers = [spawn(fun() -> labour(Each), Me ! done end) || _ <- lists:seq(1, 60)],
    deal(Workers, Each),
    all_done(60),
    60 * Each.

deal(_Workers, 0) -> ok;
deal(Workers, Left) -> [Worker ! {work, Left} || Worker <- Workers], deal(Workers, Left - 1).

labour(0) -> ok;
labour(Left) -> receive {work, _} -> work(), labour(Left - 1) end.

work() -> Sine = math:sin(37.2), true = Sine * Sine > 0.

%% big

big(Each) ->
    Me = self(),
    Actors = [spawn(fun() -> receive {all, All} -> mingle(All, Me, Each, 12345 + Id) end end) || Id <- lists:seq(1, 120)],
    All = list_to_tuple(Actors),
    [Actor ! {all, All} || Actor <- Actors],
    [Actor ! {pong, Me} || Actor <- Actors],
    all_done(120),
    [Actor ! stop || Actor <- Actors],
    2 * 120 * Each.

mingle(All, Owner, Left, Seed) ->
    receive
        {ping, From} -> From ! {pong, self()}, mingle(All, Owner, Left, Seed);
        {pong, _} when Left =:= 0 -> Owner ! done, mingle(All, Owner, -1, Seed);
        {pong, _} ->
            Next = (Seed * 1103515245 + 12345) band 16#7fffffff,
            element(Next rem 120 + 1, All) ! {ping, self()},
            mingle(All, Owner, Left - 1, Next);
        stop -> ok
    end.

%% chameneos

chameneos(Meetings) ->
    Me = self(),
    Mall = spawn(fun() -> mall(Meetings, 100, nobody), Me ! done end),
    [spawn(fun() -> creature(Mall, Number rem 3) end) || Number <- lists:seq(1, 100)],
    all_done(1),
    4 * Meetings.

mall(0, 0, nobody) -> ok;
mall(0, Here, nobody) -> receive {request, Creature, _} -> Creature ! stop, mall(0, Here - 1, nobody) end;
mall(Left, Here, nobody) -> receive {request, Creature, Colour} -> mall(Left, Here, {Creature, Colour}) end;
mall(Left, Here, {Waiting, _}) ->
    receive {request, Creature, Colour} -> Waiting ! {meet, Creature, Colour}, mall(Left - 1, Here, nobody) end.

creature(Mall, Colour) ->
    Mall ! {request, self(), Colour},
    receive
        {meet, Other, Theirs} -> Mixed = mixed(Colour, Theirs), Other ! {change, Mixed}, creature(Mall, Mixed);
        {change, Mixed} -> creature(Mall, Mixed);
        stop -> ok
    end.

mixed(Colour, Colour) -> Colour;
mixed(One, Other) -> 3 - One - Other.

%% asks

asks(Peer, Case, InFlight, Questions) ->
    {ok, Server} = gen_server:start(?MODULE, 0, []),
    ask(Server, Questions div 20),
    Me = self(),
    {Us, _} = timer:tc(fun() ->
        [spawn(fun() -> ask(Server, Questions div InFlight), Me ! done end) || _ <- lists:seq(1, InFlight)],
        all_done(InFlight)
    end),
    report(Peer, Case, Questions / Us * 1.0e6, "asks/s", "").

ask(_Server, 0) -> ok;
ask(Server, Left) -> Answer = Left + 1, Answer = gen_server:call(Server, {increment, Left}), ask(Server, Left - 1).

%% one message

one_message(Count) ->
    Me = self(),
    [spawn(fun() -> receive work -> work(), Me ! done end end) ! work || _ <- lists:seq(1, Count)],
    all_done(Count).
