"""Where the parts meet: a configuration becomes a program. `app.App` is that program; parts are what it is made of, each made
when it is asked for; every other file is one kind of work that it can do. `due` and `watching` are asked at each scheduled
call: importing this package costs nothing."""
