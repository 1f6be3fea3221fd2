using Loadline.Fuzz;
using Loadline.Fuzz.Coverage;

namespace Loadline.Unit.Checkpoints;

/// <summary>What a coverage-guided fuzzer kept, tried again: opened, loaded, compared and converted, or refused in one printable line.</summary>
public sealed class CoverageCorpusTests
{
    public static TheoryData<string> Targets => [.. CoverageTarget.All.Select(t => t.Name)];

    [Theory]
    [MemberData(nameof(Targets))]
    public void Every_input_is_refused_or_loaded_with_the_bytes_that_it_has(string name)
    {
        var target = CoverageTarget.All.Single(t => t.Name == name);
        using var scratch = new TemporaryFolder();
        var fates = CoverageCorpus.Inputs(target).Select(input => CoverageRun.Try(target, input, scratch.Path)).ToList();

        fates.Should().HaveCountGreaterThan(100).And.Contain(Fate.Refused).And.Contain(Fate.Loaded);
    }
}
