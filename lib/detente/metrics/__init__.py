"""Canonical tables in, small result tables out.

Every module answers one kind of question. The engine counts rows; the statistics work on those counts.
Metrics are pure: they read no file and no clock, change no input, and draw at random only from a stated seed.
They never import each other, save `intervals`.

    intervals       how sure is a share, a difference; how many leads does a comparison need
    qualification   is the lead ours: verdict by criteria, by which criterion, by whose rule
    moments         when did it become known: at which stage, before the loss or by hindsight
    agreement       do marketing, sales and the criteria agree, and which criterion causes the dispute
    nontarget       which groups bring leads that are not ours, and do they differ at all
    acquisition     what a lead, a target lead and a client cost per channel; money on non-target leads
    court           rejected leads against facts: confirmed, unproven, contradicted
    league          which manager, channel or segment wins more of its leads, with nobody named on noise
    mix             who sells better, and who got better leads; does an order turn round inside like leads
    balance         were leads handed out alike
    health          can this export be trusted, and for which decisions
"""
