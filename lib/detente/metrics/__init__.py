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
    ad_days         advertising spend per day, to the kopeck
    economics       one table from impression to repeat purchase; money that no lead answers to
    unit_costs      its rates, costs and margins; which group's client is dearer; all costs of winning clients
    cheap_leads     cheaper leads and dearer clients at equal age; what a stated CAC is made of
    returning       selling to the base once more in place of winning clients
    effort          what each department did per segment: money, spend, leads, minutes, tasks; experiments apart
    focus           do departments work for the segments that bring the money; what would have to move
    response        how soon each segment is called
    trials          what declared experiments take, and whether the base suffers
    client_base     who was a client, who left, who came; how much history there is
    lifetime        what "average revenue over churn" says of a client's value, and how far it errs
    cohorts         what clients have really brought by their age, and when they pay back
    ltv             three models of a client's value: sBG, BG/NBD, Gamma-Gamma, with a refusal where they do not hold
    definitions     what a new client costs; all values of a client side by side
    foretold        which way of reckoning would have foretold the money that came
    renewals        the same for subscribers
    trust           which of these ways is trusted here, over several cuts of the past
    ad_money        what the advertising of a period brought: revenue, costs, clients it already had
    romi            from the boasted ROMI down to money; what breaks even; months and their payback
    attribution     whose the money of a purchase is, by five rules: a range
    ripening        how much of a month's revenue is still to come
    marginal        what moved when the budget moved
    totals          the totals of a company, equal to the sources
    claims          which definition gives the ROMI, LTV or CAC that a company names, and what it leaves out
    examples_ltv    popular examples of client value, reckoned from their inputs
    examples_romi   popular examples of ROMI and cheap leads, reckoned from their inputs
    cash            won, invoiced, paid, returned: what became of each deal, whose each rouble is
    doubles         payments and invoices that look entered twice
    cash_months     revenue and costs by month; the months between a win and its money
    cash_products   what each product leaves
    receivables     who owes, and for how long
    repeat          who comes back, how large a purchase is, what is returned, by which channel
    contrast        one group's share against all others together
    changes         what moved since the last run
    health          can this export be trusted, and for which decisions
"""
