using Loadline.DeviceMaps;
using Loadline.Strategies;
using Loadline.Tensors.Engines;
using Loadline.Tensors.Limits;
using Loadline.Unit.Gauges;

namespace Loadline.Unit.DeviceMaps;

/// <summary>
/// Maps held against what Hugging Face Accelerate's documented rules give (<c>infer_auto_device_map</c>, <c>get_balanced_memory</c>), worked out by hand.
/// A block is not split; room for the largest layer that is still to come is kept on the first accelerator and on the CPU where something is offloaded.
/// </summary>
public sealed class AccelerateRulesTests
{
    // Sizes in bytes, float32.
    //   gpt2-medium, width 1024: token embedding and head 50257 × 1024 × 4 = 205,852,672 each; positions 4,194,304; a block
    //   4 × (12 × 1024² + 13 × 1024) + a mask of 4 MiB = 54,579,200; 24 blocks 1,309,900,800; final norm 8,192; in all 1,725,808,640.
    //   gpt2-xl, width 1600: embedding and head 321,644,800 each; positions 6,553,600; a block 127,157,504; 48 blocks 6,103,560,192; all 6,753,416,192.
    // bfloat16:
    //   llama-3-8b: embedding and head 128256 × 4096 × 2 = 1,050,673,152 each; a block 436,224,000; 32 blocks 13,959,168,000; norm 8,192.
    //   llama-3-70b: embedding and head 2,101,346,304 each; a block 1,711,308,800; 80 blocks 136,904,704,000; norm 16,384.
    private const string Plenty = "1TiB";

    // 1. Room of 321,644,800 for the head: 2,147,483,648 - 321,644,800 = 1,825,838,848. Embeddings 328,198,400, 11 blocks more 1,726,930,944; a twelfth
    //    would be 1,854,088,448. CPU: 1,073,741,824 - 321,644,800 = 752,097,024, which is 5 blocks (635,787,520) and not 6 (762,945,024).
    [InlineData("gpt2-xl", "auto", "sim:2GiB,cpu,disk", "cpu=1GiB", "tok_emb pos_emb blocks 0-10 | blocks 11-15 | blocks 16-47 final_norm out_head")]
    // 2. With one accelerator there is nothing to balance: sequential gives the same.
    [InlineData("gpt2-xl", "sequential", "sim:2GiB,cpu,disk", "cpu=1GiB", "tok_emb pos_emb blocks 0-10 | blocks 11-15 | blocks 16-47 final_norm out_head")]
    // 3. Share 1,725,808,640 / 2 = 862,904,320, margin 1.25 × 54,579,200 = 68,224,000: the first may hold 931,128,320. Nothing is offloaded, so no room is
    //    kept. Embeddings 210,046,976 and 13 blocks are 919,576,576; with a fourteenth 974,155,776.
    [InlineData("gpt2-medium", "balanced", "sim:2GiB,sim:2GiB,cpu,disk", "", "tok_emb pos_emb blocks 0-12 | blocks 13-23 final_norm out_head | |")]
    // 4. low_0: the others may hold 1,725,808,640 / 1 + 68,224,000, cut to 2 GiB; that is all of the model, so that the first gets max(0, less than 0) = 0.
    [InlineData("gpt2-medium", "balanced_low_0", "sim:2GiB,sim:2GiB", "", "| everything")]
    // 5. Sequential: the first holds all of it.
    [InlineData("gpt2-medium", "sequential", "sim:2GiB,sim:2GiB", "", "everything |")]
    // 6. Limits below the shares hold. Room 205,852,672 on the first: 536,870,912 - 205,852,672 = 331,018,240: embeddings and 2 blocks (319,205,376). The
    //    second keeps none: 9 blocks (491,212,800; ten are 545,792,000). CPU: 314,572,800 - 205,852,672 = 108,720,128: one block (two are 109,158,400).
    [InlineData("gpt2-medium", "auto", "sim:512MiB,sim:512MiB,cpu,disk", "cpu=300MiB", "tok_emb pos_emb blocks 0-1 | blocks 2-10 | blocks 11-11 | blocks 12-23 final_norm out_head")]
    // 7. Room 2,101,346,304: 85,899,345,920 - 2,101,346,304 = 83,797,999,616: the embedding and 47 blocks are 82,532,859,904, 48 would be 84,244,168,704.
    //    CPU: 21,474,836,480 - 2,101,346,304 = 19,373,490,176: 11 blocks (18,824,396,800; 12 are 20,535,705,600).
    [InlineData("llama-3-70b", "auto", "sim:80GiB,cpu,disk", "cpu=20GiB", "embed_tokens layers 0-46 | layers 47-57 | layers 58-79 norm lm_head")]
    // 8. All: 16,060,522,496. low_0: others may hold a third, 5,353,507,498, and the margin 545,280,000: 5,898,787,498; the last its whole 8 GiB. Together
    //    they hold more than the model, so that the first gets 0. Second: embedding and 11 blocks 5,849,137,152 (12: 6,285,361,152). Third: 13 blocks
    //    5,670,912,000 (14: 6,107,136,000).
    [InlineData("llama-3-8b", "balanced_low_0", "sim:8GiB,sim:8GiB,sim:8GiB,sim:8GiB", "", "| embed_tokens layers 0-10 | layers 11-23 | layers 24-31 norm lm_head")]
    // 9. Without an accelerator the CPU comes first, and keeps room too: 524,288,000 - 205,852,672 = 318,435,328: embeddings and one block 264,626,176.
    [InlineData("gpt2-medium", "auto", "cpu,disk", "cpu=500MiB", "tok_emb pos_emb blocks 0-0 | blocks 1-23 final_norm out_head")]
    // 10. An accelerator that does not hold the first module is left, and not come back to. (300 MiB less room for the head: 108,720,128 for an embedding of
    //     205,852,672.) The second keeps no room: 838,860,800 is embeddings and 11 blocks (810,418,176; 12 are 864,997,376).
    [InlineData("gpt2-medium", "balanced", "sim:300MiB,sim:800MiB,cpu", "cpu=2GiB", "| tok_emb pos_emb blocks 0-10 | blocks 11-23 final_norm out_head")]
    // 11. low_0 with less than the model outside the first: gpt2-large has 36 blocks of 82,915,328, embedding and head of 257,315,840, positions 5,242,880,
    //     norm 10,240, all 3,504,836,608. Others: 3 GiB = 3,221,225,472, the first 283,611,136, where no room is left beside the head's for the embedding.
    //     Second: embeddings and 9 blocks 1,008,796,672; third and fourth 12 blocks each (994,983,936); 3 blocks, norm and head stay mapped.
    [InlineData("gpt2-large", "balanced_low_0", "sim:1GiB,sim:1GiB,sim:1GiB,sim:1GiB,disk", "", "| tok_emb pos_emb blocks 0-8 | blocks 9-20 | blocks 21-32 | blocks 33-35 final_norm out_head")]
    [Theory]
    public void A_map_is_what_the_rules_give(string model, string rule, string devices, string maxMemory, string expected)
    {
        var plan = Plan(model, rule, devices, maxMemory, HostRam.Of(ByteSize.Parse(Plenty)));

        Places(plan).Should().Be(expected);
    }

    // The machine's 24,684,092 kB would hold all 1,725,808,640 bytes, and Accelerate, which asks the machine, would put them there. The container's 1 GiB
    // holds (1,073,741,824 - 6 MiB) × 512 / 513 - 7 MiB = 1,058,029,537 bytes beside the worker, less 205,852,672 for the head: 852,176,865, which is the
    // embeddings and 11 blocks (810,418,176; 12 are 864,997,376).
    [Fact]
    public void Where_the_containers_limit_is_below_the_machines_RAM_the_map_goes_by_the_container_and_says_so()
    {
        using var tree = RecordedTree.V2InAContainer();
        tree["/sys/fs/cgroup/memory.max"] = "1073741824\n";
        tree["/sys/fs/cgroup/memory.stat"] = "anon 0\nfile 0\nshmem 0\n";

        var plan = Plan("gpt2-medium", "auto", "cpu,disk", "", HostRam.Here(root: tree.Root));

        Places(plan).Should().Be("tok_emb pos_emb blocks 0-10 | blocks 11-23 final_norm out_head");
        plan.Uses[0].Why.Should().MatchRegex(@"^1 GiB free of the container's limit of 1 GiB \(the machine has [\d.]+ [GM]iB\), less what the worker itself takes$");
    }

    [Fact]
    public void A_limit_above_what_is_there_does_not_make_more_memory()
    {
        var plan = Plan("gpt2-medium", "auto", "sim:300MiB,cpu,disk", "sim:0=1GiB,cpu=64GiB", HostRam.Of(1 << 30));

        plan.Uses.Select(u => u.LimitBytes).Should().Equal(300 << 20, WorkerMemory.Of(EngineNames.Native).RoomUnder(1 << 30), null);
        plan.Uses[1].Why.Should().EndWith("; 64 GiB were asked for");
    }

    private static DeviceMapPlan Plan(string model, string rule, string devices, string maxMemory, HostRam ram)
    {
        var options = new LoadOptions { Strategy = "device-map" }.WithDevices(devices).WithMap(rule);
        if (maxMemory != "") options = options.WithMaxMemory(maxMemory);
        return DeviceMapPlanner.Plan(ModelEntries.Of(model), options.DeviceMap!, options.Devices, ram);
    }

    /// <summary>What lies on each device, in the order of the list, runs of blocks as one.</summary>
    private static string Places(DeviceMapPlan plan) => string.Join("|", plan.Map.Devices.Select(device =>
    {
        var names = plan.Map.Prefixes.Where(p => p.Value == device).Select(p => p.Key == "" ? "everything" : p.Key).ToList();
        var numbers = names.Where(n => char.IsAsciiDigit(n[^1])).Select(n => int.Parse(n.Split('.')[^1])).ToList();
        if (numbers.Count > 0) numbers.Should().Equal(Enumerable.Range(numbers[0], numbers.Count));
        var parts = names.Select(n => char.IsAsciiDigit(n[^1]) ? $"{(n.StartsWith("model") ? "layers" : "blocks")} {numbers[0]}-{numbers[^1]}" : n.Split('.')[^1]).Distinct();
        return $" {string.Join(" ", parts)} ";
    })).Replace("  ", " ").Trim();
}
