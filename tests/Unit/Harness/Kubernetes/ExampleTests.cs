using System.Text.RegularExpressions;

namespace Loadline.Unit.Harness.Kubernetes;

/// <summary>examples/kubernetes: what stands there is what the commands on its page write.</summary>
public sealed partial class ExampleTests : IDisposable
{
    private static readonly string Folder = Path.Combine(Repository.Root, "examples", "kubernetes");

    private readonly FakeHarness _loadline = new();

    public void Dispose() => _loadline.Dispose();

    [Fact]
    public async Task The_cases_are_those_that_the_command_on_its_page_writes()
    {
        var command = Command().Match(File.ReadAllText(Path.Combine(Folder, "README.md")));
        var arguments = command.Groups["arguments"].Value.Replace("examples/kubernetes/", Folder + "/").Split(' ');

        (await _loadline.RunAsync(["kubernetes", .. arguments])).Should().Be(0, _loadline.Error);

        _loadline.Out.Should().Be(File.ReadAllText(Path.Combine(Folder, command.Groups["target"].Value)), "`./loadline kubernetes {0}` writes it", command.Groups["arguments"].Value);
    }

    [Fact]
    public void The_kustomization_takes_all_files_but_the_one_to_copy_through_and_names_the_image_of_the_cases()
    {
        var kustomization = File.ReadAllText(Path.Combine(Folder, "kustomization.yaml"));
        var taken = Resource().Matches(kustomization).Select(match => match.Groups["file"].Value);
        var cases = YamlReader.Read(File.ReadAllText(Path.Combine(Folder, "cases.yaml")));

        taken.Should().BeEquivalentTo(Directory.GetFiles(Folder, "*.yaml").Select(Path.GetFileName).Except(["kustomization.yaml", "fill.yaml"]));
        cases.Select(job => job["spec"]!["template"]!["spec"]!["containers"]![0]!["image"]!.ToString()).Distinct().Should().Equal("loadline-worker");
        kustomization.Should().Contain("- name: loadline-worker\n");
        cases.Should().AllSatisfy(job => job["spec"]!["template"]!["spec"]!["volumes"]![0]!["persistentVolumeClaim"]!["claimName"]!.ToString().Should().Be("checkpoints"));
        File.ReadAllText(Path.Combine(Folder, "checkpoints.yaml")).Should().Contain("  name: checkpoints\n");
    }

    [GeneratedRegex(@"^\./loadline kubernetes (?<arguments>.+) > examples/kubernetes/(?<target>\S+)$", RegexOptions.Multiline)]
    private static partial Regex Command();

    [GeneratedRegex(@"^- (?<file>[\w-]+\.yaml)$", RegexOptions.Multiline)]
    private static partial Regex Resource();
}
