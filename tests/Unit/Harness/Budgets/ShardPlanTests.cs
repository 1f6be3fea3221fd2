using FsCheck;
using FsCheck.Fluent;
using Loadline.Harness;
using Loadline.Harness.Budgets;

namespace Loadline.Unit.Harness.Budgets;

public class ShardPlanTests
{
    private static readonly Gen<(int[] Weights, int Shards)> Runs =
        from weights in Gen.ArrayOf(Gen.Choose(1, 60)) from shards in Gen.Choose(1, 9) select (weights, shards);

    // So small that every way to cut it can be tried.
    private static readonly Gen<(int[] Weights, int Shards)> SmallRuns =
        from count in Gen.Choose(1, 7) from weights in Gen.ArrayOf(Gen.Choose(1, 60), count) from shards in Gen.Choose(1, 3) select (weights, shards);

    [Fact]
    public void Every_case_is_in_exactly_one_shard_and_none_is_empty_where_there_is_a_case_for_each() => Check(Runs, run =>
    {
        var cases = Cases(run.Weights);

        var parts = ShardPlan.Of(cases, run.Shards, c => run.Weights[IndexOf(c)]);

        parts.Should().HaveCount(run.Shards);
        parts.SelectMany(part => part).OrderBy(IndexOf).Should().Equal(cases);
        parts.Count(part => part.Count == 0).Should().Be(Math.Max(0, run.Shards - cases.Count));
        parts.Should().AllSatisfy(part => part.Select(IndexOf).Should().BeInAscendingOrder());
    });

    [Fact]
    public void The_longest_shard_takes_a_third_and_a_twentieth_more_than_the_best_plan_at_most() => Check(SmallRuns, run =>
    {
        var longest = ShardPlan.Of(Cases(run.Weights), run.Shards, c => run.Weights[IndexOf(c)]).Max(part => part.Sum(c => run.Weights[IndexOf(c)]));

        longest.Should().BeLessThanOrEqualTo((int)(Best(run.Weights, run.Shards) * (4 / 3.0) * 1.05));
    });

    [Fact]
    public void Cases_of_a_checkpoint_stay_together_where_that_balances_and_are_in_the_order_of_the_file()
    {
        var cases = new[] { "big", "one", "big", "two", "big", "one", "big", "two" }.Select((checkpoint, i) => Case($"c{i}", checkpoint)).ToList();

        var parts = ShardPlan.Of(cases, 4, _ => 1).Select(part => string.Join(' ', part.Select(c => c.Name)));

        parts.Should().Equal("c0 c2", "c4 c6", "c1 c5", "c3 c7");
    }

    [Fact]
    public void What_takes_as_long_as_all_else_has_a_shard_for_itself()
    {
        var cases = Enumerable.Range(0, 5).Select(i => Case($"c{i}", "m")).ToList();

        ShardPlan.Of(cases, 2, c => c.Name == "c3" ? 40 : 10).Select(part => string.Join(' ', part.Select(c => c.Name))).Should().Equal("c3", "c0 c1 c2 c4");
    }

    [Fact]
    public void The_repositorys_budgets_in_four_shards_are_these_on_every_machine()
    {
        var cases = BudgetFile.Read(Path.Combine(Repository.Root, "budgets.large.json")).Cases;

        ShardPlan.Of(cases, 4, _ => 1).Select(part => part.Count).Should().Equal(2, 3, 3, 1);
        ShardPlan.Of(cases, 12, _ => 1).Select(part => part.Count).Should().Equal(1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0);
    }

    [Theory]
    [InlineData("1/1")]
    [InlineData("2/4")]
    [InlineData("1000/1000")]
    public void A_shard_is_read_as_it_is_written(string text) => Shard.Parse(text).ToString().Should().Be(text);

    [Theory]
    [InlineData("")]
    [InlineData("2")]
    [InlineData("0/4")]
    [InlineData("5/4")]
    [InlineData("2/4/8")]
    [InlineData("-1/4")]
    [InlineData(" 2/4")]
    [InlineData("1/1001")]
    [InlineData("1/99999999999")]
    public void What_is_no_shard_is_refused(string text) =>
        FluentActions.Invoking(() => Shard.Parse(text)).Should().Throw<InputException>().WithMessage($"'{text}' is no shard: write 2/4 for the second of four, up to 1000");

    private static int Best(int[] weights, int shards)
    {
        return Try(0, new int[shards]);

        int Try(int next, int[] loads) => next == weights.Length ? loads.Max() : Enumerable.Range(0, shards).Min(shard =>
        {
            var with = (int[])loads.Clone();
            with[shard] += weights[next];
            return Try(next + 1, with);
        });
    }

    private static List<BudgetCase> Cases(int[] weights) => [.. weights.Select((weight, i) => Case($"c{i}", $"checkpoint {weight % 3}"))];

    private static int IndexOf(BudgetCase budget) => int.Parse(budget.Name[1..]);

    // The seed is fixed, so that a failure comes again.
    private static void Check<T>(Gen<T> runs, Action<T> holds) =>
        Prop.ForAll(runs.ToArbitrary(), holds).Check(Config.QuickThrowOnFailure.WithMaxTest(200).WithEndSize(60).WithReplay(1, 3));

    private static BudgetCase Case(string name, string checkpoint) => new() { Name = name, Checkpoint = checkpoint, CapBytes = 1, Why = "" };
}
