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
    flow            how many leads and how much money enter a stage, pass it, are lost there, still stand there
    incidence       how many leads are won by which age, when many of them are still open
    league          which manager, channel or segment wins more of its leads, with nobody named on noise
    mix             who sells better, and who got better leads; does an order turn round inside like leads
    balance         were leads handed out alike
    reasons         where deals stop and why; whose question a reason is
    overuse         who writes a reason more often than colleagues do on the same kind of leads
    reason_quality  what calls, phones and stages say of written reasons, and how they are spelled
    rescue          what it could bring, at most, to remove a reason
    moves           how deals move: back, past stages, out of the archive, with the fact in place or not
    rhythm          when deals are moved: as the fact happens, or in heaps and at the month's end
    pockets         where open deals stand without a next step
    stage_names     do the names of the stages say what the manager does now
    task_words      do tasks name a result, and does the deal move after them
    requirements    the twelve requirements of a funnel against its dictionary and its history
    habits          what a head of sales asks for: a budget, a deadline, contacts, minutes
    contact_roles   who of the client is on the deals
    health          can this export be trusted, and for which decisions
"""
