namespace Loadline.Harness.Budgets;

/// <summary>
/// Cuts the cases of a run into shards. What it makes of the same cases and weights is the same on every machine: it takes whole numbers, the order of the
/// file, and nothing of the machine.
/// </summary>
internal static class ShardPlan
{
    // How much longer the longest shard may take for keeping the cases of a checkpoint together: one part in twenty.
    private const long Slack = 20;

    /// <summary>The cases of each shard, in the order of <paramref name="cases"/>; each case is in exactly one.</summary>
    /// <param name="cases">What is to be cut.</param>
    /// <param name="shards">Into how many parts; those that are more than the cases stay empty.</param>
    /// <param name="weightOf">What a case costs, at least 1.</param>
    public static IReadOnlyList<IReadOnlyList<BudgetCase>> Of(IReadOnlyList<BudgetCase> cases, int shards, Func<BudgetCase, long> weightOf)
    {
        var items = cases.Select((c, i) => new Item(i, c.Checkpoint, weightOf(c))).OrderByDescending(item => item.Weight).ToList();
        var balanced = Balanced(items, shards);
        var limit = balanced.Max(part => part.Load) is var longest ? longest + longest / Slack : 0;
        var together = Together(items, shards, limit);
        var parts = together.TrueForAll(part => part.Load <= limit) ? together : balanced;
        return [.. parts.Select(part => part.Items.OrderBy(item => item.Index).Select(item => cases[item.Index]).ToList())];
    }

    // The longest first, each to the part with the least: at most a third longer than the best there is (Graham 1969).
    private static List<Part> Balanced(List<Item> items, int shards)
    {
        var parts = Empty(shards);
        foreach (var item in items) parts.MinBy(part => part.Load)!.Add(item);
        return parts;
    }

    // A checkpoint's cases as a whole into the fullest part that has room for them; what fits nowhere fills one part after the other.
    private static List<Part> Together(List<Item> items, int shards, long limit)
    {
        var parts = Empty(shards);
        var groups = items.GroupBy(item => item.Checkpoint, (_, group) => (Items: group.ToList(), Weight: group.Sum(item => item.Weight)));
        foreach (var group in groups.OrderByDescending(group => group.Weight))
        {
            if (Fullest(part => part.Load + group.Weight <= limit) is { } whole) group.Items.ForEach(whole.Add);
            else group.Items.ForEach(item => RoomFor(item).Add(item));
        }

        // Whoever starts four machines expects four to work where there is work for four.
        while (parts.Find(part => part.Items.Count == 0) is { } idle && Fullest(part => part.Items.Count > 1) is { } longest) longest.Halve(idle);
        return parts;

        Part RoomFor(Item item) =>
            Fullest(part => part.Has(item.Checkpoint) && part.Load + item.Weight <= limit) ?? parts.MinBy(part => part.Load)!;

        Part? Fullest(Func<Part, bool> which) => parts.Where(which).MaxBy(part => part.Load);
    }

    private static List<Part> Empty(int shards) => [.. Enumerable.Range(0, shards).Select(_ => new Part())];

    private sealed record Item(int Index, string Checkpoint, long Weight);

    private sealed class Part
    {
        public List<Item> Items { get; } = [];

        public long Load { get; private set; }

        public bool Has(string checkpoint) => Items.Exists(item => item.Checkpoint == checkpoint);

        public void Add(Item item)
        {
            Items.Add(item);
            Load += item.Weight;
        }

        // What was added last weighs least of its checkpoint.
        public void Halve(Part other)
        {
            var half = Load / 2;
            do
            {
                var last = Items[^1];
                Items.RemoveAt(Items.Count - 1);
                Load -= last.Weight;
                other.Add(last);
            }
            while (Items.Count > 1 && other.Load + Items[^1].Weight <= half);
        }
    }
}
