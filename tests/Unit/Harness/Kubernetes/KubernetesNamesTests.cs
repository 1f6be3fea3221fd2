using System.Text.RegularExpressions;
using Loadline.Harness.Kubernetes;

namespace Loadline.Unit.Harness.Kubernetes;

public partial class KubernetesNamesTests
{
    [Theory]
    [InlineData("mmap survives a third", "loadline-mmap-survives-a-third-")]
    [InlineData("Eager: 2×S, on `cpu`", "loadline-eager-2-s-on-cpu-")]
    [InlineData("重み", "loadline-case-")]
    [InlineData("--../../etc/passwd\n\u001b[2J", "loadline-etc-passwd-2j-")]
    [InlineData("a name that goes on, and on, and on, and on, and on, and on, and on, and on", "loadline-a-name-that-goes-on-and-on-and-on-and-")]
    public void Any_name_makes_names_that_Kubernetes_takes(string name, string start)
    {
        var made = KubernetesNames.ObjectName("r1", name);

        made.Should().StartWith(start).And.MatchRegex(Rfc1123().ToString());
        // A Job's pod has six more characters, and is a host's name.
        made.Length.Should().BeLessThanOrEqualTo(57);
        KubernetesNames.CaseValue(name).Should().MatchRegex(LabelValue().ToString()).And.Match(value => value.Length <= 63);
        KubernetesNames.IsLabelValue(KubernetesNames.CaseValue(name)).Should().BeTrue();
    }

    [Fact]
    public void Names_are_those_of_the_case_and_the_run_and_change_with_nothing_else()
    {
        KubernetesNames.ObjectName("r1", "mmap survives").Should().Be("loadline-mmap-survives-9fc1a93436");
        KubernetesNames.CaseValue("mmap survives").Should().Be("mmap-survives-d841c3f683");
        new[] { KubernetesNames.ObjectName("r2", "mmap survives"), KubernetesNames.ObjectName("r1", "mmap  survives"), KubernetesNames.ObjectName("r1", "Mmap survives") }
            .Should().OnlyHaveUniqueItems().And.NotContain("loadline-mmap-survives-9fc1a93436");
    }

    [Theory]
    [InlineData("a", true, true)]
    [InlineData("0-9", true, true)]
    [InlineData("a.b", false, true)]
    [InlineData("a..b", false, false)]
    [InlineData("a.-b", false, false)]
    [InlineData("A", false, false)]
    [InlineData("-a", false, false)]
    [InlineData("a-", false, false)]
    [InlineData("a/b", false, false)]
    [InlineData("../a", false, false)]
    [InlineData("a\n", false, false)]
    [InlineData("", false, false)]
    public void Names_of_others_are_checked_before_they_are_used(string name, bool isLabel, bool isSubdomain)
    {
        KubernetesNames.IsLabel(name).Should().Be(isLabel);
        KubernetesNames.IsSubdomain(name).Should().Be(isSubdomain);
    }

    [Fact]
    public void Names_end_at_their_limits()
    {
        KubernetesNames.IsLabel(new string('a', 63)).Should().BeTrue();
        KubernetesNames.IsLabel(new string('a', 64)).Should().BeFalse();
        KubernetesNames.IsLabelValue(new string('A', 63)).Should().BeTrue();
        KubernetesNames.IsLabelValue(new string('A', 64)).Should().BeFalse();
        KubernetesNames.IsSubdomain(new string('a', 253)).Should().BeTrue();
        KubernetesNames.IsSubdomain(new string('a', 254)).Should().BeFalse();
    }

    [GeneratedRegex(@"\A[a-z0-9]([-a-z0-9]*[a-z0-9])?\z")]
    private static partial Regex Rfc1123();

    [GeneratedRegex(@"\A[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?\z")]
    private static partial Regex LabelValue();
}
