using Loadline.Checkpoints;
using Loadline.Strategies;
using Loadline.Tensors;
using Loadline.Unit.Tensors;

namespace Loadline.Unit.Documentation;

/// <summary>The example of docs/add-a-strategy.md is a file of these tests, and loads.</summary>
public class AddAStrategyTests
{
    [Fact]
    public void The_page_shows_the_file_that_is_compiled_here()
    {
        var page = File.ReadAllText(Path.Combine(Repository.Root, "docs", "add-a-strategy.md"));
        var shown = page.Split("   ```csharp\n")[1].Split("   ```")[0].Split('\n').Select(line => line.Length >= 3 ? line[3..] : line);
        var compiled = File.ReadAllText(Path.Combine(Repository.Root, "tests", "Unit", "Documentation", "StateDictFirst.cs"));

        string.Join("\n", shown).Trim().Should().Be(compiled.Replace("Loadline.Unit.Documentation", "Loadline.Strategies.Catalog").Replace("using Loadline.Strategies;\n", "").Trim());
    }

    [Theory]
    [InlineData("cpu")]
    [InlineData("sim:1GiB")]
    public void It_loads_every_weight_at_the_cost_that_it_names(string name)
    {
        var device = Device.Parse(name);
        using var checkpoint = Checkpoint.Open(Fixtures.Path("gpt2-tiny.pth"));
        var strategy = new StateDictFirst();
        var engine = TestEngine.New();
        using var load = new LoadContext(checkpoint, new LoadOptions { Device = device }, engine, strategy);
        using var model = load.Complete(strategy.Load(load));

        model.Keys.Should().BeEquivalentTo(checkpoint.Entries.Select(entry => entry.Name));
        (engine.Host.PeakBytes, engine.Accelerator.PeakBytes).Should().Be((strategy.Peak(load.Sizes, device).HostBytes, strategy.Peak(load.Sizes, device).DeviceBytes));
    }
}
