using Loadline.Harness;
using Loadline.Harness.Budgets;
using Loadline.Harness.Results;

namespace Loadline.Unit.Harness.Results;

public class CaseDurationsTests
{
    [Fact]
    public void A_case_costs_what_it_took_and_one_that_is_new_what_is_usual_for_its_checkpoint_or_for_all()
    {
        var durations = Of(Took("a", "m", 1), Took("b", "m", 2.5), Took("c", "m", 9), Took("d", "n", 4));

        new[] { ("b", "m"), ("new", "m"), ("new", "n"), ("new", "of another checkpoint") }.Select(c => durations.Of(Case(c.Item1, c.Item2)))
            .Should().Equal(2500, 2500, 4000, 4000);
    }

    [Theory]
    [InlineData(-1e308, 1)]
    [InlineData(0, 1)]
    [InlineData(1e308, 86_400_000)]
    public void What_no_case_can_have_taken_is_taken_for_the_nearest_that_it_can(double seconds, long milliseconds) =>
        Of(Took("a", "m", seconds)).Of(Case("a", "m")).Should().Be(milliseconds);

    [Fact]
    public void Results_of_other_cases_balance_nothing_and_are_refused() =>
        FluentActions.Invoking(() => CaseDurations.Of(Measured.File(Measured.Loaded("other")), "r.json", [Case("a", "m")])).Should().Throw<InputException>()
            .WithMessage("r.json: has none of the 1 cases of this run: name results of the same budgets");

    private static CaseDurations Of(params CaseResult[] measured) => CaseDurations.Of(Measured.File(measured), "r.json", [.. measured.Select(c => Case(c.Name, c.Checkpoint))]);

    private static CaseResult Took(string name, string checkpoint, double seconds) => Measured.Loaded(name) with { Checkpoint = checkpoint, WallSeconds = seconds };

    private static BudgetCase Case(string name, string checkpoint) => new() { Name = name, Checkpoint = checkpoint, CapBytes = 1, Why = "" };
}
