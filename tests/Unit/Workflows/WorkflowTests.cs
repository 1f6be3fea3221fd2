using System.Text.RegularExpressions;

namespace Loadline.Unit.Workflows;

/// <summary>The files that run other people's code with our token.</summary>
public class WorkflowTests
{
    private const string Release = ".github/workflows/release.yml";

    public static IEnumerable<TheoryDataRow<string>> Workflows => WorkflowFile.Workflows.Select(w => new TheoryDataRow<string>(w.Path));

    public static IEnumerable<TheoryDataRow<string>> WorkflowsOfEveryPush => Workflows.Where(w => w.Data != Release);

    [Fact]
    public void Actions_of_others_are_pinned_to_a_commit_with_its_version_behind() =>
        Everything.SelectMany(file => file.Uses).Where(IsForeign).Should().NotBeEmpty()
            .And.AllSatisfy(uses => uses.Should().MatchRegex(@"^[\w.-]+(/[\w.-]+)+@[0-9a-f]{40} # v\d+\.\d+\.\d+$"));

    [Fact]
    public void One_action_has_one_version_everywhere() =>
        Everything.SelectMany(file => file.Uses).Where(IsForeign).Distinct().Select(uses => uses.Split('@')[0]).Should().OnlyHaveUniqueItems();

    [Theory]
    [MemberData(nameof(Workflows))]
    public void A_workflow_may_only_read(string path) => Workflow(path).Block("permissions").Trim().Should().Be("contents: read");

    [Theory]
    [MemberData(nameof(Workflows))]
    public void Every_job_ends_by_itself_or_calls_a_workflow_whose_jobs_do(string path) =>
        Workflow(path).Jobs.Should().NotBeEmpty().And.AllSatisfy(job => job.Value.Should().MatchRegex(@"(^|\n)    (timeout-minutes: \d+|uses: \./\S+)\n", job.Key));

    [Theory]
    [MemberData(nameof(WorkflowsOfEveryPush))]
    public void No_job_asks_for_more_than_its_workflow(string path) =>
        Workflow(path).Jobs.Values.Should().AllSatisfy(job => job.Should().NotMatchRegex(@"\bpermissions:(?! \{\})").And.NotContain("secrets"));

    [Fact]
    public void Only_a_tag_reaches_the_job_that_may_publish() => Workflow(Release).Block("on").Trim().Should().Be("push:\n    tags: [\"v*\"]");

    [Fact]
    public void No_checkout_leaves_the_token_behind() =>
        Everything.SelectMany(file => file.Text.Split("uses: actions/checkout@").Skip(1)).Should().NotBeEmpty()
            .And.AllSatisfy(step => step.Split("- ")[0].Should().Contain("persist-credentials: false"));

    [Fact]
    public void No_script_is_made_of_what_somebody_else_wrote() =>
        Everything.SelectMany(file => file.Scripts).Should().NotBeEmpty().And.AllSatisfy(script => script.Should().NotContain("${{", "a script takes values from env"));

    [Fact]
    public void No_pull_request_gets_the_rights_of_the_base_or_a_runner_of_ours()
    {
        foreach (var workflow in WorkflowFile.Workflows)
        {
            workflow.Text.Should().NotContain("pull_request_target").And.NotContain("workflow_run:");
            if (workflow.Text.Contains("runs-on: ${{", StringComparison.Ordinal)) workflow.Block("on").Should().NotContain("pull_request").And.NotContain("workflow_call");
        }
    }

    [Fact]
    public void The_gate_always_runs_and_needs_every_other_job()
    {
        var jobs = Workflow(".github/workflows/ci.yml").Jobs;

        jobs["gate"].Should().StartWith("    if: always()\n").And.Contain($"needs: [{string.Join(", ", jobs.Keys.Where(name => name != "gate"))}]");
    }

    [Fact]
    public void A_matrix_of_shards_has_all_of_them_and_a_job_that_puts_them_together_whatever_became_of_them()
    {
        var sharded = WorkflowFile.Workflows.SelectMany(workflow => workflow.Jobs.Select(job => (workflow, job))).Where(w => w.job.Value.Contains("shard:")).ToList();

        sharded.Should().NotBeEmpty();
        foreach (var (workflow, job) in sharded)
        {
            var numbers = Regex.Match(job.Value, @"\n        shard: \[([\d, ]+)\]\n").Groups[1].Value.Split(", ");
            numbers.Should().Equal(Enumerable.Range(1, numbers.Length).Select(number => $"{number}"));
            job.Value.Should().Contain($"shard: ${{{{ matrix.shard }}}}/{numbers.Length}\n").And.Contain("fail-fast: false");
            workflow.Jobs.Values.Should().ContainSingle(other => other.Contains($"\n    needs: {job.Key}\n"))
                .Which.Should().StartWith("    if: ${{ !cancelled() }}\n").And.MatchRegex(@"loadline report .* --gate ");
        }
    }

    private static IEnumerable<WorkflowFile> Everything => WorkflowFile.Workflows.Concat(WorkflowFile.Actions);

    private static WorkflowFile Workflow(string path) => WorkflowFile.Workflows.Single(w => w.Path == path);

    private static bool IsForeign(string uses) => !uses.StartsWith("./", StringComparison.Ordinal);
}
